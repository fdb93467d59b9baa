internal import Crypto
internal import KubernetesObjects

/// A Job or a bare Pod that runs to its end before, after or on failure of applying a bundle.
struct Hook: Sendable {
    enum Moment: String, Sendable {
        case before
        case after
        case onFailure = "on-failure"

        /// The words of an annotation, which may name several with commas.
        static func words(_ text: String) -> [String] {
            text.split { $0 == "," || $0.isWhitespace }.map { String($0) }
        }
    }

    /// When in an application's life on a cluster a bundle is applied.
    enum Occasion: String, Sendable, CaseIterable {
        case install
        case upgrade
    }

    /// When a finished hook is deleted.
    enum DeletePolicy: String, Sendable {
        case never
        case onSuccess = "on-success"
        case always
    }

    let object: KubernetesObject
    let moment: Moment
    let timeout: Duration
    let deletePolicy: DeletePolicy
    /// On what occasions it runs.
    let occasions: Set<Occasion>
    /// Whether it runs again when its bundle comes back after another one.
    let runsOnReturn: Bool
    /// Says which hook of which bundle this is, so that one that has run is not run again when the same bundle is applied
    /// again, and is when another bundle has the same hook.
    let digest: String

    /// The hooks that an object is, one for each of its moments: at each it is made again and runs. None where it is no hook.
    ///
    /// - Parameter scope: What the bundle is called; empty where hooks are told apart by their content alone.
    /// - Throws: ``KubernetesError`` when it is one, but not rightly so.
    static func all(of object: KubernetesObject, annotations: ObjectAnnotations, scope: String = "") throws -> [Hook] {
        guard let text = object.annotations[annotations.hook] else { return [] }
        let words = Moment.words(text)
        let moments = Set(words.compactMap(Moment.init(rawValue:)))
        guard !words.isEmpty, moments.count == Set(words).count else {
            throw KubernetesError(
                code: .invalidInput,
                message:
                    "\(object.reference): annotation \(annotations.hook) \"\(text)\" is none of before, after, on-failure, "
                    + "nor several of them with commas")
        }
        return try moments.sorted { $0.rawValue < $1.rawValue }.compactMap { moment in
            // Which of its runs is meant is told only where there are several.
            let own = moments.count == 1 ? scope : "\(scope) \(moment.rawValue)"
            return try Hook(object, at: moment, annotations: annotations, scope: own)
        }
    }

    private init?(
        _ object: KubernetesObject, at moment: Moment, annotations: ObjectAnnotations, scope: String
    ) throws {
        func failure(_ what: String) -> KubernetesError {
            KubernetesError(code: .invalidInput, message: "\(object.reference): \(what)")
        }
        guard object.type.groupKind.runsToItsEnd else {
            if annotations.isNeededByHooks(object) { return nil }
            throw failure(
                "a hook must be a Job or a Pod, or with before what goes ahead of those; leave the annotation out to have it "
                    + "applied with the rest")
        }
        guard let text = object.annotations[annotations.hookTimeout] else {
            throw failure("a hook must have the annotation \(annotations.hookTimeout), such as \"5m\"")
        }
        guard let timeout = Hook.duration(text) else {
            throw failure(
                "annotation \(annotations.hookTimeout) \"\(text)\" is no duration such as 90s, 5m or 1h30m, or longer than a week"
            )
        }
        let policy = object.annotations[annotations.hookDelete] ?? DeletePolicy.never.rawValue
        guard let deletePolicy = DeletePolicy(rawValue: policy) else {
            throw failure("annotation \(annotations.hookDelete) \"\(policy)\" is none of never, on-success, always")
        }
        let occasions = (object.annotations[annotations.hookOn] ?? "install,upgrade").split(separator: ",").map {
            text in
            Occasion(rawValue: text.filter { $0 != " " })
        }
        guard !occasions.isEmpty, !occasions.contains(nil) else {
            throw failure(
                "annotation \(annotations.hookOn) \"\(object.annotations[annotations.hookOn] ?? "")\" is none of install, upgrade"
            )
        }
        self.occasions = Set(occasions.compactMap { $0 })
        switch object.annotations[annotations.hookOnReturn] {
        case nil, "skip": self.runsOnReturn = false
        case "run": self.runsOnReturn = true
        case let other?:
            throw failure("annotation \(annotations.hookOnReturn) \"\(other)\" is none of run, skip")
        }
        self.object = object
        self.moment = moment
        self.timeout = timeout
        self.deletePolicy = deletePolicy
        self.digest = Self.digest(of: object, scope: scope)
    }

    /// Which work of which bundle an object is.
    static func digest(of object: KubernetesObject, scope: String) -> String {
        hexadecimal(SHA256.hash(data: object.json.serializedBytes() + Array(scope.utf8)).prefix(16))
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "0\(hex)" : hex
        }.joined()
    }

    /// Why it is not run; nil where it is.
    func reasonToSkip(_ record: InventoryStore.Record, isReturn: Bool) -> String? {
        if moment == .onFailure { return nil }
        if record.finished.contains(digest) { return "has run already" }
        if isReturn, !runsOnReturn { return "is not run on the way back" }
        guard occasions.contains(record.isInstalled ? .upgrade : .install) else {
            return record.isInstalled
                ? "is one for the first install" : "is one for upgrades, and this is the first install"
        }
        return nil
    }

    /// Reads `90s`, `5m`, `1h30m`; nil for anything else, for nothing, and for more than a week.
    static func duration(_ text: String) -> Duration? {
        var total: Int64 = 0
        var number: Int64?
        for character in text {
            if let digit = character.wholeNumberValue, character.isASCII {
                let next = (number ?? 0).multipliedReportingOverflow(by: 10)
                guard !next.overflow, next.partialValue < 1_000_000_000 else { return nil }
                number = next.partialValue + Int64(digit)
                continue
            }
            let scale: Int64
            switch character {
            case "s": scale = 1
            case "m": scale = 60
            case "h": scale = 3600
            default: return nil
            }
            // A week is more than any hook takes, and the sum of many lengths would overflow.
            guard let value = number, value * scale <= 7 * 86_400 - total else { return nil }
            total += value * scale
            number = nil
        }
        return number == nil && total > 0 ? .seconds(total) : nil
    }
}
