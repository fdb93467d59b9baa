internal import FoundationEssentials
internal import KubernetesObjects
internal import Testing

@testable internal import KubernetesClient

@Suite struct KubeconfigTests {
    private let text = """
        apiVersion: v1
        kind: Config
        current-context: one
        contexts:
        - name: one
          context: {cluster: a, user: u, namespace: shop}
        - name: plugin
          context: {cluster: a, user: p}
        - name: lost
          context: {cluster: nowhere, user: u}
        clusters:
        - name: a
          cluster: {server: "https://10.0.0.1:6443", certificate-authority: ca.crt, tls-server-name: kubernetes}
        users:
        - name: u
          user: {token: secret-token}
        - name: p
          user: {exec: {command: aws}}
        """

    @Test func joinsClusterAndUser() throws {
        let kubeconfig = try Kubeconfig(text: text, file: "/home/me/.kube/config")
        #expect(kubeconfig.contexts == ["one", "plugin", "lost"])
        let connection = try kubeconfig.connection()
        #expect(connection.server == "https://10.0.0.1:6443")
        #expect(connection.namespace == "shop")
        #expect(connection.tlsServerName == "kubernetes")
        if case .file(let path) = connection.certificateAuthority {
            #expect(path == "/home/me/.kube/ca.crt")
        } else {
            Issue.record("the authority should be a file")
        }
        #expect(!"\(connection)".contains("secret-token"))
    }

    @Test(arguments: [
        ("plugin", "exec plugin (aws), which is not supported"), ("lost", "there is no cluster \"nowhere\", only: a"),
        ("absent", "there is no context \"absent\""),
    ])
    func saysWhatCannotBeUsed(context: String, expected: String) throws {
        let kubeconfig = try Kubeconfig(text: text, file: "config")
        let error = #expect(throws: KubernetesError.self) { try kubeconfig.connection(context: context) }
        #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func readsInlineCertificates() throws {
        let inline = text.replacing("certificate-authority: ca.crt", with: "certificate-authority-data: aGVsbG8=")
        let connection = try Kubeconfig(text: inline, file: "config").connection()
        if case .inline(let bytes) = connection.certificateAuthority {
            #expect(String(decoding: bytes, as: UTF8.self) == "hello")
        } else {
            Issue.record("the authority should be inline")
        }
        let error = #expect(throws: KubernetesError.self) { try KubernetesAPI(connection: connection) }
        #expect(error?.message == "the certificate authority is no certificate in PEM form")
    }

    @Test func isNoPodOutsideOfOne() {
        let error = #expect(throws: KubernetesError.self) { try ClusterConnection.inCluster(environment: [:]) }
        #expect(error?.message.contains("this is no pod") == true)
    }

    @Test(arguments: ["ftp://a", "nothing", "https://", "https://user@host", "http://10.0.0.1"])
    func refusesUnusableServers(server: String) async throws {
        let connection = ClusterConnection(server: server, identity: .token(.inline(Array("t".utf8))))
        let error = #expect(throws: KubernetesError.self) { try KubernetesAPI(connection: connection) }
        #expect(error?.code == .invalidConfiguration)
    }
}

@Suite struct BadServerTests {
    private func ask(_ behaviour: RawServer.Behaviour) async throws -> KubernetesError? {
        try await RawServer.run(behaviour) { server in
            var options = KubernetesAPI.Options.immediate(attempts: 1)
            options.requestTimeout = .milliseconds(300)
            let api = try KubernetesAPI(
                connection: ClusterConnection(server: "http://127.0.0.1:\(server.port)"), options: options)
            var caught: KubernetesError?
            do {
                _ = try await api.version()
            } catch let error as KubernetesError {
                caught = error
            }
            await api.shutdown()
            return caught
        }
    }

    @Test func hangingServerTimesOut() async throws {
        let error = try await ask(.hang)
        #expect(error?.code == .timeout)
        #expect(error?.message.contains("GET /version at http://127.0.0.1") == true, "\(error?.message ?? "")")
    }

    @Test func resettingServerGivesNoAnswer() async throws {
        let error = try await ask(.close)
        #expect(error?.code == .noAnswer)
        #expect(error?.isTransient == true)
    }

    @Test func garbageIsQuoted() async throws {
        let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 12\r\n\r\n<html>hello<"
        let error = try await ask(.answer(page))
        #expect(error?.code == .invalidAnswer)
        #expect(error?.message.contains("text/html") == true && error?.message.contains("<html>hello<") == true)
    }

    @Test func noHTTPAtAll() async throws {
        let error = try await ask(.answer("SSH-2.0-OpenSSH\r\n\r\n"))
        #expect(error?.code == .noAnswer, "\(error?.message ?? "")")
    }

    @Test func refusedConnection() async throws {
        let options = KubernetesAPI.Options.immediate(attempts: 1)
        let api = try KubernetesAPI(connection: ClusterConnection(server: "http://127.0.0.1:1"), options: options)
        let error = await #expect(throws: KubernetesError.self) { try await api.version() }
        #expect(error?.isTransient == true)
        await api.shutdown()
    }
}

@Suite struct CertificateDiagnosisTests {
    @Test func saysWhatIsWrongWithACertificate() {
        let now = Date(timeIntervalSince1970: 1_800_000_000)
        func words(from start: TimeInterval, to end: TimeInterval) -> String {
            let validity = CertificateDiagnosis.Validity(notBefore: now + start, notAfter: now + end)
            return CertificateDiagnosis.words(validity, now: now)
        }
        #expect(words(from: -20, to: -10).contains("has expired, on 2027-01-15T07:59:50Z: renew it"))
        #expect(words(from: 10, to: 20).contains("not valid before 2027-01-15T08:00:10Z: is the clock right here?"))
        #expect(words(from: -10, to: 10).contains("not signed by the authority that the kubeconfig trusts"))
    }
}
