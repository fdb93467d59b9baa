internal import Crypto
internal import Foundation
internal import NetworkTesting
internal import SwellIdentity

extension Stage {
    /// Starts an nginx that asks for agents' certificates as the coordinator does, with one page of so many bytes at `/page`; says where.
    func startWebServer(page bytes: Int) async throws -> Int {
        let port = try FreePort.find()
        let place = folder.appending(path: "nginx")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        let credential = try authorities.issueServerCredential(names: ServerNames(["localhost"]), now: Clock.now())
        func write(_ name: String, _ text: String) throws {
            try Data(text.utf8).write(to: place.appending(path: name))
        }
        try write("chain.pem", credential.chainPEM())
        try write("key.pem", credential.key.pemRepresentation)
        try write("roots.pem", try authorities.rootsPEM())
        try Data((0..<bytes).map { _ in UInt8.random(in: .min ... .max) }).write(to: place.appending(path: "page"))
        try write(
            "nginx.conf",
            """
            daemon off; worker_processes 2; worker_rlimit_nofile 65536; pid \(place.path)/pid; user root;
            error_log \(place.path)/errors; events { worker_connections 16384; }
            http {
              access_log off; sendfile on; keepalive_timeout 3600; client_body_temp_path \(place.path)/t1;
              proxy_temp_path \(place.path)/t2; fastcgi_temp_path \(place.path)/t3; uwsgi_temp_path \(place.path)/t4;
              scgi_temp_path \(place.path)/t5;
              server {
                listen 127.0.0.1:\(port) ssl backlog=4096; root \(place.path);
                ssl_certificate chain.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
                ssl_client_certificate roots.pem; ssl_verify_client on; ssl_verify_depth 3;
              }
            }
            """)
        let program = "/usr/sbin/nginx"
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw BenchmarkError("nginx is not here; scripts/benchmark installs it")
        }
        let child = try Child.start(
            program, ["-p", place.path, "-c", place.path + "/nginx.conf"], log: place.path + "/log")
        keep(child)
        try await eventually("nginx to listen", within: .seconds(20)) {
            try? String(contentsOfFile: place.path + "/pid", encoding: .utf8)
        }
        return port
    }
}
