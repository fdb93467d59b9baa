/// What kubectl, kustomize and helm write beside their output, as people want it: what is wrong first, warnings after it, without the time
/// and the source line that klog puts before each line.
struct ProgramComplaint {
    /// The lines, what is wrong before what is only warned of.
    let text: String

    init(_ written: String) {
        var errors: [Substring] = []
        var warnings: [Substring] = []
        for line in written.split(separator: "\n") {
            if let found = line.wholeMatch(of: #/([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [^\]]+\] ?(.*)/#) {
                switch found.1 {
                case "I": continue
                case "W": warnings.append(found.2)
                default: errors.append(found.2)
                }
            } else if let found = line.wholeMatch(of: #/#? ?[Ww]arning: ?(.*)/#) {
                warnings.append(found.1)
            } else {
                errors.append(line)
            }
        }
        let told = errors.map(String.init) + warnings.map { "warning: \($0)" }
        text = told.isEmpty ? written : told.joined(separator: "\n")
    }
}
