// Room KubernetesSimulator.
