internal import Foundation

/// Who runs a command on this machine, for the audit log: `ann@host`, or `swell@host for ann` behind sudo.
enum MachineUser {
    static var name: String {
        name(
            user: NSUserName(), host: ProcessInfo.processInfo.hostName,
            behind: ProcessInfo.processInfo.environment["SUDO_USER"])
    }

    static func name(user: String, host: String, behind sudo: String?) -> String {
        let own = "\(user)@\(host)"
        let text = sudo.map { $0 == user || $0.isEmpty ? own : "\(own) for \($0)" } ?? own
        return String(text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || " @.-_".contains($0)) }.prefix(120))
    }
}
