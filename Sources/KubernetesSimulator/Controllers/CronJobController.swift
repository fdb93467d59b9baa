internal import KubernetesObjects

/// A schedule of five fields, as cron reads it: minute, hour, day of month, month, day of week.
struct CronSchedule: Sendable, Hashable {
    private let fields: [Set<Int>]
    private let isAnyDay: Bool
    private let isAnyWeekday: Bool

    /// Reads a schedule; nil when it is none.
    init?(_ text: String) {
        let named = ["@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *"]
        let parts = (named[text] ?? text).split(separator: " ").map(String.init)
        guard parts.count == 5 else { return nil }
        var fields: [Set<Int>] = []
        for (part, range) in zip(parts, [0...59, 0...23, 1...31, 1...12, 0...7]) {
            guard var values = Self.values(part, in: range) else { return nil }
            if range.upperBound == 7, values.remove(7) != nil { values.insert(0) }
            fields.append(values)
        }
        self.fields = fields
        isAnyDay = parts[2] == "*"
        isAnyWeekday = parts[4] == "*"
    }

    private static func values(_ text: String, in range: ClosedRange<Int>) -> Set<Int>? {
        var result: Set<Int> = []
        for part in text.split(separator: ",") {
            let pieces = part.split(separator: "/").map(String.init)
            guard let span = pieces.first else { return nil }
            var low = range.lowerBound
            var high = range.upperBound
            if span != "*" {
                let ends = span.split(separator: "-").compactMap { Int($0) }
                guard let first = ends.first else { return nil }
                low = first
                high = ends.count > 1 ? ends[1] : (pieces.count > 1 ? range.upperBound : first)
            }
            let step = pieces.count > 1 ? Int(pieces[1]) ?? 0 : 1
            guard step > 0, low >= range.lowerBound, high <= range.upperBound, low <= high else { return nil }
            result.formUnion(stride(from: low, through: high, by: step))
        }
        return result
    }

    /// The first minute after an instant that fits, within a year.
    func next(after instant: Double) -> Double? {
        var minute = Int(instant / 60) + 1
        let end = minute + 366 * 1440
        while minute < end {
            let day = minute / 1440
            let date = Timestamp.civil(day)
            let weekday = (day + 4) % 7
            let fitsDay: Bool
            if isAnyDay || isAnyWeekday {
                fitsDay = fields[2].contains(date.day) && fields[4].contains(weekday)
            } else {
                fitsDay = fields[2].contains(date.day) || fields[4].contains(weekday)
            }
            if !fitsDay || !fields[3].contains(date.month) {
                minute = (day + 1) * 1440
            } else if !fields[1].contains(minute / 60 % 24) {
                minute = (minute / 60 + 1) * 60
            } else if fields[0].contains(minute % 60) {
                return Double(minute * 60)
            } else {
                minute += 1
            }
        }
        return nil
    }
}

// MARK: - Cron jobs

extension ClusterState {
    private static let storage = "cronjobs.batch"

    mutating func reconcileCronJobs(_ agenda: inout Agenda) {
        for stored in store.all(Self.storage) where !stored.value.isBeingDeleted {
            let cron = stored.value
            guard cron.at("spec", "suspend")?.boolValue != true,
                let schedule = CronSchedule(cron.at("spec", "schedule")?.stringValue ?? "")
            else { continue }
            let last = cron.at("status", "lastScheduleTime")?.stringValue.flatMap(Timestamp.instant) ?? stored.bornAt
            guard let due = schedule.next(after: last) else { continue }
            if agenda.now < due {
                agenda.look(at: due)
            } else {
                start(cron, at: agenda.now)
            }
        }
    }

    private mutating func start(_ cron: JSONValue, at now: Double) {
        let template = cron.at("spec", "jobTemplate")
        let name = "\(cron.name)-\(Int(now) / 60)"
        var metadata = template?["metadata"] ?? .object([:])
        metadata["name"] = .string(name)
        metadata["namespace"] = .string(cron.namespace)
        metadata["ownerReferences"] = [cron.ownerReference(apiVersion: "batch/v1", kind: "CronJob")]
        let running = store.all("jobs.batch", namespace: cron.namespace).map(\.value).filter {
            $0.controllerUID == cron.uid && $0.condition("Complete") == nil && $0.condition("Failed") == nil
        }
        let policy = cron.at("spec", "concurrencyPolicy")?.stringValue
        if policy == "Replace" {
            for job in running { end("jobs.batch", job.key, now: now) }
        }
        if running.isEmpty || policy != "Forbid" {
            spawn("jobs.batch", ["metadata": metadata, "spec": template?["spec"] ?? .object([:])], now: now)
        }
        writeStatus(Self.storage, cron.key, now: now) { object in
            object.put(.string(Timestamp.text(now)), "status", "lastScheduleTime")
        }
        trimHistory(of: cron, now: now)
    }

    private mutating func trimHistory(of cron: JSONValue, now: Double) {
        let jobs = store.all("jobs.batch", namespace: cron.namespace).filter { $0.value.controllerUID == cron.uid }
            .sorted { $0.bornAt > $1.bornAt }
        let limits = [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)]
        for (condition, field, usual) in limits {
            let done = jobs.filter { $0.value.condition(condition)?["status"] == "True" }
            for job in done.dropFirst(cron.int("spec", field) ?? usual) { end("jobs.batch", job.value.key, now: now) }
        }
    }
}
