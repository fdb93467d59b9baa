/// The documents that the scenarios use: one small application and a canary-first policy.
enum Documents {
    /// An application `web` and a policy `waves` over the regions given, the first being the canary.
    static func applicationAndPolicy(
        canary: String, waves: [String], soak: String = "2s", deadline: String = "30s", unreachable: String = "15s"
    ) -> String {
        """
        apiVersion: swell.dev/v1
        kind: Application
        metadata: {name: web}
        spec:
          namespace: web
          select: {environments: [production]}
        ---
        apiVersion: swell.dev/v1
        kind: RolloutPolicy
        metadata: {name: waves}
        spec:
          stages:
            - name: canary
              select: {regions: [\(canary)]}
              maxConcurrent: 1
              soak: \(soak)
            - name: everywhere-else
              select: {regions: [\(waves.joined(separator: ", "))]}
              maxConcurrent: 50%
          minHealthyTime: 1s
          progressDeadline: \(deadline)
          unreachableAfter: \(unreachable)
          onFailure: rollback
        """
    }

    /// A release of `web`: a Deployment and a ConfigMap, with this image and, optionally, one more ConfigMap.
    static func manifests(image: String, extra: String? = nil) -> String {
        var text = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web, labels: {app: web}}
            spec:
              replicas: 2
              progressDeadlineSeconds: 8
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  containers:
                    - name: app
                      image: \(image)
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: web-settings}
            data: {image: "\(image)"}
            """
        if let extra {
            text +=
                "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(extra)}\ndata: {release: \"\(image)\"}\n"
        }
        return text
    }
}
