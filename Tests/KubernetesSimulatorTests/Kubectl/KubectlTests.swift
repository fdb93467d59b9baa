internal import Testing

/// What operators do with kubectl, done with the real one against a simulated cluster.
@Suite(
    "The real kubectl", .enabled(if: Kubectl.program != nil, "there is no kubectl on the PATH"), .serialized,
    .timeLimit(.minutes(2)))
struct KubectlTests {
    @Test("apply on the client's side creates, changes, and leaves alone; diff says which")
    func clientSideApply() async throws {
        try await Kubectl.withCluster { kubectl in
            let manifest = try kubectl.file("web.yaml", Manifests.deployment())
            #expect(try await kubectl("diff -f \(manifest)").code == 1)
            #expect(try await kubectl("apply -f \(manifest)").output == "deployment.apps/web created\n")
            #expect(try await kubectl("apply -f \(manifest)").output == "deployment.apps/web unchanged\n")
            let same = try await kubectl("diff -f \(manifest)")
            #expect(same.code == 0 && same.output.isEmpty)
            let changed = try kubectl.file("web2.yaml", Manifests.deployment(image: "nginx:1.26"))
            let difference = try await kubectl("diff -f \(changed)")
            #expect(difference.code == 1)
            #expect(difference.output.contains("-      - image: nginx:1.25\n+      - image: nginx:1.26\n"))
            #expect(try await kubectl("apply -f \(changed) --dry-run=server").output.contains("(server dry run)"))
            #expect(try await kubectl("apply -f \(changed)").output == "deployment.apps/web configured\n")
            #expect(try await kubectl("delete -f \(changed)").output.hasPrefix("deployment.apps \"web\" deleted"))
        }
    }

    @Test("apply on the server's side tells conflicts with their owners, and takes fields by force")
    func serverSideApply() async throws {
        try await Kubectl.withCluster { kubectl in
            let manifest = try kubectl.file("web.yaml", Manifests.deployment())
            let applied = try await kubectl("apply --server-side -f \(manifest)")
            #expect(applied.output == "deployment.apps/web serverside-applied\n")
            // A status that changes between kubectl's two looks is a difference, too.
            #expect(try await kubectl("rollout status deployment/web --timeout=60s").code == 0)
            #expect(try await kubectl("diff --server-side -f \(manifest)").code == 0)
            #expect(try await kubectl("set image deployment/web main=nginx:1.27").code == 0)
            let refused = try await kubectl("apply --server-side -f \(manifest)")
            #expect(refused.code == 1)
            #expect(refused.errors.contains("conflict with \"kubectl-set\""))
            #expect(refused.errors.contains(".spec.template.spec.containers[name=\"main\"].image"))
            #expect(try await kubectl("apply --server-side --force-conflicts -f \(manifest)").code == 0)
            let image = try await kubectl(
                "get deployment web -o jsonpath={.spec.template.spec.containers[0].image}")
            #expect(image.output == "nginx:1.25")
        }
    }

    @Test("a rollout is followed, undone, restarted, scaled and waited for")
    func rollouts() async throws {
        try await Kubectl.withCluster { kubectl in
            let manifest = try kubectl.file("web.yaml", Manifests.deployment())
            try await kubectl("apply -f \(manifest)")
            let status = "rollout status deployment/web --timeout 20s"
            #expect(try await kubectl(status).output.hasSuffix("deployment \"web\" successfully rolled out\n"))
            #expect(try await kubectl("set image deployment/web main=nginx:1.26").code == 0)
            #expect(try await kubectl(status).code == 0)
            let history = try await kubectl("rollout history deployment/web")
            #expect(history.output.contains("\n1         <none>\n2         <none>\n"))
            #expect(try await kubectl("rollout undo deployment/web").output == "deployment.apps/web rolled back\n")
            #expect(try await kubectl(status).code == 0)
            let image = try await kubectl(
                "get deployment web -o jsonpath={.spec.template.spec.containers[0].image}")
            #expect(image.output == "nginx:1.25")
            #expect(try await kubectl("rollout restart deployment/web").code == 0)
            #expect(try await kubectl(status).code == 0)
            #expect(try await kubectl("scale deployment web --replicas 4").output == "deployment.apps/web scaled\n")
            let wait = "wait deployment/web --timeout 20s"
            #expect(try await kubectl("\(wait) --for jsonpath={.status.readyReplicas}=4").code == 0)
            #expect(try await kubectl("\(wait) --for condition=Available").code == 0)
            let stale = try await kubectl("scale deployment web --replicas 1 --current-replicas 9")
            #expect(stale.code == 1 && stale.errors.contains("Expected replicas to be 9, was 4"))
            #expect(try await kubectl("set image deployment/web main=nginx:broken").code == 0)
            #expect(try await kubectl("rollout status deployment/web --timeout 1s").code == 1)
        }
    }

    @Test("get prints tables, wide tables, YAML and JSON paths, by name and by selector")
    func looking() async throws {
        try await Kubectl.withCluster { kubectl in
            let manifest = try kubectl.file("web.yaml", Manifests.deployment() + "---\n" + Manifests.service)
            try await kubectl("apply -f \(manifest)")
            try await kubectl("rollout status deployment/web --timeout 20s")
            let table = try await kubectl("get deployment web").output
            #expect(table.hasPrefix("NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    2/2     2            2   "))
            let wide = try await kubectl("get deployment web -o wide").output
            #expect(wide.contains("CONTAINERS   IMAGES       SELECTOR"))
            #expect(wide.contains("main         nginx:1.25   app=web"))
            let pods = try await kubectl("get pods -o wide").output
            #expect(pods.contains("IP") && pods.contains("NODE") && pods.contains("READINESS GATES"))
            #expect(pods.split(separator: "\n").count == 3)
            #expect(try await kubectl("get svc web -o wide").output.contains("80/TCP"))
            #expect(try await kubectl("get deployment web -o yaml").output.contains("\n  replicas: 2\n"))
            let none = try await kubectl("get pods -l", "app notin (web)")
            #expect(none.code == 0 && none.errors == "No resources found in default namespace.\n")
            let names = try await kubectl("get deploy,svc -A -o name -l", "app in (web, api)")
            #expect(names.output == "deployment.apps/web\nservice/web\n")
            #expect(try await kubectl("get pods --field-selector status.phase=Running -o name").output.count > 8)
            let missing = try await kubectl("get deployment nosuch")
            #expect(missing.errors == "Error from server (NotFound): deployments.apps \"nosuch\" not found\n")
        }
    }

    @Test("get -w prints changes as they happen")
    func watching() async throws {
        try await Kubectl.withCluster { kubectl in
            try await kubectl("create configmap shared --from-literal a=1")
            try await kubectl.watch("get configmap shared -w --output-watch-events") { see in
                try await see("ADDED")
                try await kubectl("annotate configmap shared note=hello")
                try await see("MODIFIED")
                try await kubectl("delete configmap shared")
                try await see("DELETED")
            }
        }
    }

    @Test("describe tells a workload's conditions, events and pods")
    func describing() async throws {
        try await Kubectl.withCluster { kubectl in
            let manifest = try kubectl.file("web.yaml", Manifests.deployment())
            try await kubectl("apply -f \(manifest)")
            try await kubectl("rollout status deployment/web --timeout 20s")
            let deployment = try await kubectl("describe deployment web").output
            #expect(deployment.contains("2 desired | 2 updated | 2 total | 2 available | 0 unavailable"))
            #expect(deployment.contains("Available      True    MinimumReplicasAvailable"))
            #expect(deployment.contains("ScalingReplicaSet"))
            let pods = try await kubectl("describe pods -l app=web").output
            #expect(pods.contains("Status:       Running"))
            #expect(pods.contains("Controlled By:  ReplicaSet/web-"))
            #expect(try await kubectl("describe node node-0").code == 0)
        }
    }

    @Test("create, label, annotate, patch and delete do what they say")
    func writing() async throws {
        try await Kubectl.withCluster { kubectl in
            #expect(try await kubectl("create namespace shop").output == "namespace/shop created\n")
            let created = try await kubectl("create configmap shared -n shop --from-literal a=1")
            #expect(created.output == "configmap/shared created\n")
            let again = try await kubectl("create configmap shared -n shop --from-literal a=1")
            #expect(again.code == 1 && again.errors.contains("already exists"))
            #expect(try await kubectl("create deployment api -n shop --image nginx").code == 0)
            #expect(try await kubectl("expose deployment api -n shop --port 80").output == "service/api exposed\n")
            #expect(try await kubectl("create secret generic key -n shop --from-literal p=1").code == 0)
            #expect(try await kubectl("create job once -n shop --image busybox").code == 0)
            #expect(
                try await kubectl("wait -n shop job/once --for condition=complete --timeout 20s").output
                    == "job.batch/once condition met\n")
            let shared = "configmap shared -n shop"
            #expect(try await kubectl("label \(shared) tier=front").code == 0)
            #expect(try await kubectl("label \(shared) tier=back").code == 1)
            #expect(try await kubectl("label \(shared) tier=back --overwrite").code == 0)
            #expect(try await kubectl("annotate \(shared) note=hello").code == 0)
            #expect(try await kubectl("patch \(shared) --type merge -p {\"data\":{\"b\":\"2\"}}").code == 0)
            let operations = "[{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"9\"}]"
            #expect(try await kubectl("patch \(shared) --type json -p \(operations)").code == 0)
            let data = try await kubectl("get \(shared) -o jsonpath={.data}{.metadata.labels}")
            #expect(data.output == "{\"a\":\"9\",\"b\":\"2\"}{\"tier\":\"back\"}")
            #expect(try await kubectl("delete \(shared)").output.hasPrefix("configmap \"shared\" deleted"))
            #expect(try await kubectl("delete \(shared)").code == 1)
            #expect(try await kubectl("delete namespace shop --timeout 20s").code == 0)
            #expect(try await kubectl("get namespace shop").code == 1)
        }
    }

    @Test("a strategic patch merges a container by its name")
    func strategicPatch() async throws {
        try await Kubectl.withCluster { kubectl in
            try await kubectl("apply -f \(try kubectl.file("web.yaml", Manifests.deployment()))")
            let patch = "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"main\",\"image\":\"a:2\"}]}}}}"
            #expect(try await kubectl("patch deployment web -p \(patch)").output == "deployment.apps/web patched\n")
            let container = "{.spec.template.spec.containers[*]"
            let answer = try await kubectl(
                "get deployment web -o jsonpath=\(container).image}:\(container).ports[0].containerPort}")
            #expect(answer.output == "a:2:8080")
        }
    }

    @Test("a definition brings a kind that is applied, checked, listed and taken away")
    func customResources() async throws {
        try await Kubectl.withCluster { kubectl in
            try await kubectl("apply -f \(try kubectl.file("crd.yaml", Manifests.definition))")
            try await kubectl.untilEstablished("widgets.example.com")
            let widget = try kubectl.file("widget.yaml", Manifests.widget(size: "3"))
            #expect(try await kubectl("apply -f \(widget)").output == "widget.example.com/one created\n")
            #expect(try await kubectl("apply --server-side --force-conflicts -f \(widget)").code == 0)
            let listed = try await kubectl("get wd").output
            #expect(listed.hasPrefix("NAME   SIZE\none    3\n"))
            let wrong = try await kubectl("apply -f \(try kubectl.file("bad.yaml", Manifests.widget(size: "many")))")
            #expect(wrong.code == 1)
            #expect(wrong.errors.contains("spec.size") && wrong.errors.contains("must be of type integer"))
            #expect(try await kubectl("delete crd widgets.example.com --timeout 20s").code == 0)
            #expect(try await kubectl("get widgets").code == 1)
        }
    }

    @Test("discovery and reviews answer")
    func discovery() async throws {
        try await Kubectl.withCluster { kubectl in
            let resources = try await kubectl("api-resources").output
            #expect(resources.contains(/\ndeployments +deploy +apps\/v1 +true +Deployment\n/))
            #expect(resources.contains(/\nflowschemas +flowcontrol.apiserver.k8s.io\/v1 +false +FlowSchema\n/))
            #expect(try await kubectl("api-versions").output.contains("apps/v1\n"))
            #expect(try await kubectl("version").output.contains("Server Version: v1.36"))
            #expect(try await kubectl("auth can-i create deployments").output == "yes\n")
            #expect(try await kubectl("auth can-i --list").code == 0)
            #expect(try await kubectl("auth whoami").code == 0)
            #expect(try await kubectl("get --raw /readyz").output == "ok")
        }
    }

    @Test("explain tells the fields of built-in and of custom kinds")
    func explain() async throws {
        try await Kubectl.withCluster { kubectl in
            let strategy = try await kubectl("explain deployment.spec.strategy").output
            #expect(strategy.contains(/GROUP: +apps\nKIND: +Deployment\nVERSION: +v1/))
            #expect(strategy.contains("FIELD: strategy <DeploymentStrategy>"))
            #expect(strategy.contains("rollingUpdate\t<RollingUpdateDeployment>"))
            let ports = try await kubectl("explain pods.spec.containers --recursive").output
            #expect(ports.contains("containerPort\t<integer> -required-"))
            let old = try await kubectl("explain hpa.spec --api-version=autoscaling/v1").output
            #expect(old.contains("targetCPUUtilizationPercentage\t<integer>"))
            try await kubectl("apply -f \(try kubectl.file("crd.yaml", Manifests.definition))")
            try await kubectl.untilEstablished("widgets.example.com")
            #expect(try await kubectl("explain widgets.spec").code == 0)
        }
    }

    @Test("every create command is understood")
    func createCommands() async throws {
        try await Kubectl.withCluster { kubectl in
            for command in [
                "create quota q --hard=cpu=1,pods=2", "create pdb p --selector=app=web --min-available=1",
                "create priorityclass pc --value=5", "create ingress i --rule=foo.com/bar=svc1:8080,tls=c",
                "create cronjob cj --image=busybox --schedule=@daily", "create job j --image=busybox -- date",
                "create deployment d --image=nginx --replicas=2", "expose deployment d --port=80",
                "autoscale deployment d --min=1 --max=3", "run r --image=nginx", "create serviceaccount s",
                "create role ro --verb=get --resource=pods",
                "create rolebinding rb --role=ro --serviceaccount=default:s",
                "create secret generic sec --from-literal=a=b", "create token s",
            ] {
                let answer = try await kubectl(command)
                #expect(answer.code == 0, "\(command): \(answer.errors)")
            }
            let path = "{.spec.rules[0].http.paths[0].backend.service.port.number}"
            #expect(try await kubectl("get ingress i -o jsonpath=\(path)").output == "8080")
            #expect(try await kubectl("get hpa d -o jsonpath={.spec.maxReplicas}").output == "3")
            #expect(try await kubectl("get quota q -o jsonpath={.spec.hard.pods}").output == "2")
            #expect(try await kubectl("get pdb p -o jsonpath={.spec.minAvailable}").output == "1")
        }
    }

    @Test("a kind that nobody serves is named, and an event of either group found")
    func unknownKind() async throws {
        try await Kubectl.withCluster { kubectl in
            let manifest = try kubectl.file(
                "x.yaml", "apiVersion: example.com/v1\nkind: Nothing\nmetadata: {name: x}\n")
            for form in ["apply", "apply --server-side", "create"] {
                let answer = try await kubectl("\(form) -f \(manifest)")
                #expect(
                    answer.code == 1 && answer.errors.contains("no matches for kind \"Nothing\""), "\(answer.errors)")
            }
        }
    }

    @Test("wrong manifests are refused with object and field")
    func badInput() async throws {
        try await Kubectl.withCluster { kubectl in
            let text = Manifests.deployment()
            try await kubectl("apply -f \(try kubectl.file("web.yaml", text))")
            let label = text.replacing("app: web", with: "app: other")
            let immutable = try await kubectl("apply -f \(try kubectl.file("label.yaml", label))")
            #expect(immutable.code == 1)
            #expect(immutable.errors.contains("spec.selector") && immutable.errors.contains("field is immutable"))
            let unknown = text.replacing("replicas: 2", with: "replica: 2")
            let strict = try await kubectl("apply --server-side -f \(try kubectl.file("unknown.yaml", unknown))")
            #expect(strict.code == 1 && strict.errors.contains(".spec.replica"))
            let negative = text.replacing("replicas: 2", with: "replicas: -2")
            let invalid = try await kubectl("apply -f \(try kubectl.file("negative.yaml", negative))")
            #expect(invalid.code == 1 && invalid.errors.contains("must be greater than or equal to 0"))
            let nowhere = try await kubectl("create configmap lost -n nowhere --from-literal a=1")
            #expect(nowhere.code == 1 && nowhere.errors.contains("namespaces \"nowhere\" not found"))
        }
    }
}
