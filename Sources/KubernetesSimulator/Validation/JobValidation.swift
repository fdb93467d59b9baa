internal import KubernetesObjects

// MARK: - Jobs and cron jobs

extension Validation {
    static func job(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        jobSpec(object["spec"], field: "spec", into: &findings)
        jobSelector(object, into: &findings)
        guard let old else { return }
        let isSuspended = old.at("spec", "suspend")?.boolValue == true && old.at("status", "startTime") == nil
        func differs(_ path: String...) -> Bool {
            func value(_ object: JSONValue) -> JSONValue? { path.reduce(object["spec"]) { $0?[$1] } }
            return value(object) != value(old)
        }
        if differs("completions"), object.at("spec", "completionMode") != "Indexed" {
            findings.invalid("spec.completions", object.at("spec", "completions"), "field is immutable")
        }
        for field in [
            "selector", "completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy",
        ]
        where differs(field) {
            findings.invalid("spec.\(field)", object.at("spec", field), "field is immutable")
        }
        if differs("template"), !isSuspended {
            findings.append(
                APIStatus.Cause(
                    reason: "FieldValueInvalid",
                    message:
                        "Invalid value: \(InternalPodTemplate.text(object.at("spec", "template") ?? .null)): field is immutable",
                    field: "spec.template"))
        }
    }

    /// A job's selector has to match its own pods, and to be the server's own unless the job says otherwise.
    private static func jobSelector(_ object: JSONValue, into findings: inout Findings) {
        let selector = object.at("spec", "selector")
        let labels = object.at("spec", "template", "metadata", "labels")
        if selector == nil { findings.required("spec.selector") }
        self.selector(selector, field: "spec.selector", into: &findings)
        if let selector, !isReadable(selector) { return }
        guard let selector, LabelSelector(object: selector).matches(labels) else {
            return findings.invalid(
                "spec.template.metadata.labels", labels ?? .null, "`selector` does not match template `labels`")
        }
        guard object.at("spec", "manualSelector")?.boolValue != true else { return }
        let generated: [String: JSONValue] = [
            "batch.kubernetes.io/controller-uid": .string(object.uid), "controller-uid": .string(object.uid),
            "batch.kubernetes.io/job-name": .string(object.name), "job-name": .string(object.name),
        ]
        for (key, value) in generated.sorted(by: { $0.key < $1.key }) where labels?[key] != value {
            let why = "must be '\(value.stringValue ?? "")'"
            let here = "spec.template.metadata.labels[\(key)]"
            if labels?[key] == nil { findings.required(here, why) } else { findings.invalid(here, labels, why) }
        }
        if !LabelSelector(object: selector).matches(.object(generated)) {
            findings.invalid("spec.selector", selector, "`selector` not auto-generated")
        }
    }

    static func cronJob(_ object: JSONValue, into findings: inout Findings) {
        let name = object.name
        if name.utf8.count > 52 {
            findings.invalid("metadata.name", .string(name), "must be no more than 52 characters")
        }
        let spec = object["spec"]
        let schedule = spec?["schedule"]?.stringValue ?? ""
        if schedule.isEmpty {
            findings.required("spec.schedule")
        } else {
            if schedule.contains("TZ") {
                findings.invalid(
                    "spec.schedule", .string(schedule),
                    "cannot use TZ or CRON_TZ in schedule, use timeZone field instead")
            }
            if CronSchedule(schedule) == nil, !schedule.contains("TZ") {
                findings.invalid("spec.schedule", .string(schedule), CronSchedule.complaint(about: schedule))
            }
        }
        if let zone = spec?["timeZone"]?.stringValue {
            if zone.isEmpty {
                findings.invalid("spec.timeZone", "", "timeZone must be nil or non-empty string")
            } else if zone.lowercased() == "local" {
                findings.invalid(
                    "spec.timeZone", .string(zone),
                    "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones")
            }
        }
        findings.notNegative("spec.startingDeadlineSeconds", spec?["startingDeadlineSeconds"])
        if (spec?["concurrencyPolicy"]?.stringValue ?? "").isEmpty {
            findings.required("spec.concurrencyPolicy")
        } else {
            findings.oneOf(["Allow", "Forbid", "Replace"], "spec.concurrencyPolicy", spec?["concurrencyPolicy"])
        }
        jobSpec(spec?.at("jobTemplate", "spec"), field: "spec.jobTemplate.spec", into: &findings)
        findings.notNegative("spec.successfulJobsHistoryLimit", spec?["successfulJobsHistoryLimit"])
        findings.notNegative("spec.failedJobsHistoryLimit", spec?["failedJobsHistoryLimit"])
    }

    private static func jobSpec(_ spec: JSONValue?, field: String, into findings: inout Findings) {
        for name in [
            "parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished",
            "maxFailedIndexes", "backoffLimitPerIndex",
        ] {
            findings.notNegative("\(field).\(name)", spec?[name])
        }
        if let mode = spec?["completionMode"] {
            findings.oneOf(["NonIndexed", "Indexed"], "\(field).completionMode", mode)
            if mode == "Indexed", spec?["completions"] == nil {
                findings.required("\(field).completions", "when completion mode is Indexed")
            }
        }
        podTemplate(spec?["template"], field: "\(field).template", into: &findings)
        let policy = spec?.at("template", "spec", "restartPolicy")
        if policy != "Never", policy != "OnFailure" {
            let text = JSONValue.string(policy?.stringValue ?? "").serialized()
            findings.append(
                APIStatus.Cause(
                    reason: "FieldValueNotSupported",
                    message: "Unsupported value: \(text): supported values: \"OnFailure\", \"Never\"",
                    field: "\(field).template.spec.restartPolicy"))
        }
    }
}

extension CronSchedule {
    /// What the server's parser (robfig/cron) says of a schedule that it cannot read.
    static func complaint(about text: String) -> String {
        if text.hasPrefix("@") { return "unrecognized descriptor: \(text)" }
        let fields = text.split(separator: " ").map(String.init)
        guard fields.count == 5 else {
            return "expected exactly 5 fields, found \(fields.count): [\(fields.joined(separator: " "))]"
        }
        let bounds = [0...59, 0...23, 1...31, 1...12, 0...6]
        for (field, range) in zip(fields, bounds) {
            for part in field.split(separator: ",") {
                let pieces = part.split(separator: "/").map(String.init)
                for end in (pieces.first ?? "").split(separator: "-") where end != "*" && end != "?" {
                    guard let number = Int(end) else {
                        return "failed to parse int from \(end): strconv.Atoi: parsing \"\(end)\": invalid syntax"
                    }
                    if number > range.upperBound {
                        return "end of range (\(number)) above maximum (\(range.upperBound)): \(part)"
                    }
                    if number < range.lowerBound {
                        return "beginning of range (\(number)) below minimum (\(range.lowerBound)): \(part)"
                    }
                }
                if pieces.count > 1, Int(pieces[1]) == 0 { return "step of range should be a positive number: \(part)" }
            }
        }
        return "failed to parse: \(text)"
    }
}
