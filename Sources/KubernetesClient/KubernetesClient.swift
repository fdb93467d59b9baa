// Room KubernetesClient.
