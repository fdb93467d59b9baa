package import SwellModel
internal import SwiftProtobuf

extension Swell_V1_ObjectChange {
    /// The message for `change`; texts that are too long are cut.
    package init(_ change: ObjectChange) {
        self.init()
        apiVersion = trimmed(change.apiVersion, limit: WireLimits.messageLength)
        kind = trimmed(change.kind, limit: WireLimits.messageLength)
        namespace = trimmed(change.namespace ?? "", limit: WireLimits.messageLength)
        name = trimmed(change.name, limit: WireLimits.messageLength)
        action = Swell_V1_ChangeAction(change.action)
        message = trimmed(change.message ?? "", limit: WireLimits.messageLength)
        fields = change.fields.map { field in
            .with {
                $0.path = trimmed(field.path, limit: WireLimits.messageLength)
                if let before = field.beforeJSON { $0.before = before }
                if let after = field.afterJSON { $0.after = after }
                $0.managers = field.managers.map { trimmed($0, limit: WireLimits.wordLength / 4) }
            }
        }
        omittedFields = Int32(clamping: change.omittedFields)
    }
}

extension ObjectChange {
    /// The change in `message`, checked; `path` says where it stands in its message.
    init(_ message: Swell_V1_ObjectChange, at path: String) throws(WireError) {
        try checkCount(message.fields.count, limit: WireLimits.changes, at: "\(path).fields")
        var fields: [ChangedField] = []
        for (index, field) in message.fields.enumerated() {
            fields.append(try ChangedField(field, at: "\(path).fields[\(index)]"))
        }
        let namespace = try checkedText(message.namespace, required: false, at: "\(path).namespace")
        let text = try checkedText(message.message, required: false, at: "\(path).message")
        self.init(
            apiVersion: try checkedText(message.apiVersion, required: true, at: "\(path).api_version"),
            kind: try checkedText(message.kind, required: true, at: "\(path).kind"),
            namespace: namespace.isEmpty ? nil : namespace,
            name: try checkedText(message.name, required: true, at: "\(path).name"),
            action: try message.action.checked(at: "\(path).action"), message: text.isEmpty ? nil : text,
            fields: fields, omittedFields: try checkedCount(message.omittedFields, at: "\(path).omitted_fields"))
    }
}

extension ChangedField {
    fileprivate init(_ message: Swell_V1_FieldChange, at path: String) throws(WireError) {
        try checkCount(message.managers.count, limit: ChangeLimits.managers, at: "\(path).managers")
        var managers: [String] = []
        for (index, manager) in message.managers.enumerated() {
            managers.append(try checkedWord(manager, required: false, at: "\(path).managers[\(index)]"))
        }
        func value(_ text: String, _ name: String) throws(WireError) -> String {
            try checkedWord(text, limit: WireLimits.valueLength, at: "\(path).\(name)")
        }
        let before = message.hasBefore ? try value(message.before, "before") : nil
        let after = message.hasAfter ? try value(message.after, "after") : nil
        do {
            try self.init(
                path: try checkedText(message.path, required: true, at: "\(path).path"), beforeJSON: before,
                afterJSON: after, managers: managers)
        } catch let error as ModelError {
            throw WireError(.invalidValue, at: path, error.message)
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError(.invalidValue, at: path, "\(error)")
        }
    }
}

extension Swell_V1_Drift {
    init(_ drift: DriftReport) {
        self.init()
        foundAt = drift.foundAt.milliseconds
        corrected = drift.isCorrected
        objects = drift.objects.map { Swell_V1_ObjectChange($0) }
        omitted = Int32(clamping: drift.omitted)
        contention = trimmed(drift.contention ?? "", limit: WireLimits.messageLength)
    }
}

extension DriftReport {
    init(_ message: Swell_V1_Drift, at path: String) throws(WireError) {
        try checkCount(message.objects.count, limit: ChangeLimits.drift.objects, at: "\(path).objects")
        var objects: [ObjectChange] = []
        for (index, object) in message.objects.enumerated() {
            let object = try ObjectChange(object, at: "\(path).objects[\(index)]")
            guard object.fields.count <= ChangeLimits.drift.fields else {
                throw WireError(
                    .tooLarge, at: "\(path).objects[\(index)].fields",
                    "\(object.fields.count) entries: expected at most \(ChangeLimits.drift.fields)")
            }
            objects.append(object)
        }
        let size = objects.reduce(0) { $0 + $1.size }
        guard size <= WireLimits.driftSize else {
            throw WireError(
                .tooLarge, at: "\(path).objects", "\(size) bytes: expected at most \(WireLimits.driftSize)")
        }
        let contention = try checkedText(message.contention, required: false, at: "\(path).contention")
        self.init(
            foundAt: Timestamp(milliseconds: try checkedOrdinal(message.foundAt, at: "\(path).found_at")),
            isCorrected: message.corrected, objects: objects,
            omitted: try checkedCount(message.omitted, at: "\(path).omitted"),
            contention: contention.isEmpty ? nil : contention)
    }
}

extension Swell_V1_ChangeAction {
    fileprivate init(_ action: ObjectChange.Action) {
        self =
            switch action {
            case .create: .create
            case .update: .update
            case .replace: .replace
            case .delete: .delete
            case .keep: .keep
            case .run: .run
            case .fail: .fail
            }
    }

    fileprivate func checked(at path: String) throws(WireError) -> ObjectChange.Action {
        switch self {
        case .create: .create
        case .update: .update
        case .replace: .replace
        case .delete: .delete
        case .keep: .keep
        case .run: .run
        case .fail: .fail
        case .unspecified: throw WireError(.missingField, at: path, "expected an action")
        case .UNRECOGNIZED(let value): throw WireError(.invalidValue, at: path, "\(value) is no action known here")
        }
    }
}
