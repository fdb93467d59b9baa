internal import Foundation

/// Who runs a command on this machine, for the audit log, as far as the machine says: `ann@host`. Behind sudo the user that it names is a claim,
/// since anybody may set the variable: `root@host (sudo by ann)`. In a container of Kubernetes it is the container's user, whoever had it run.
enum MachineUser {
    static var name: String {
        let environment = ProcessInfo.processInfo.environment
        return name(
            user: user, host: ProcessInfo.processInfo.hostName, behind: environment["SUDO_USER"],
            isInPod: environment["KUBERNETES_SERVICE_HOST"] != nil)
    }

    /// By the machine's list of users, and by no variable that whoever runs the command sets.
    private static var user: String {
        let id = geteuid()
        return getpwuid(id).map { String(cString: $0.pointee.pw_name) } ?? "uid-\(id)"
    }

    static func name(user: String, host: String, behind sudo: String?, isInPod: Bool) -> String {
        func plain(_ text: String) -> String {
            String(text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || " @.-_".contains($0)) }.prefix(64))
        }
        let claim = sudo.map(plain).flatMap { $0.isEmpty || $0 == user ? nil : " (sudo by \($0))" } ?? ""
        return "\(plain(user))@\(plain(host))\(claim)" + (isInPod ? " (in a Pod: whoever may exec there)" : "")
    }
}
