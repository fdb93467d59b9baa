// Room KubernetesObjects.
