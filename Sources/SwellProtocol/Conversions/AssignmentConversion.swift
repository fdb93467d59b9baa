package import SwellModel

extension Swell_V1_Assignment {
    /// The message for `assignment`. Its cluster is not written: the stream says whose it is.
    package init(_ assignment: Assignment) {
        self.init()
        application = assignment.application.rawValue
        rollout = assignment.rollout.rawValue
        generation = assignment.generation
        epoch = assignment.epoch
        switch assignment.goal {
        case .run(let release): run = Swell_V1_Release(release)
        case .remove: remove = Swell_V1_Removal()
        }
        if let release = assignment.fallback { fallback = Swell_V1_Release(release) }
        settings = Swell_V1_AssignmentSettings(assignment.settings)
        paused = assignment.isPaused == true
    }
}

extension Assignment {
    /// The assignment in `message`, checked, for the agent of `cluster`.
    package init(
        _ message: Swell_V1_Assignment, cluster: ClusterName, at path: String = "assignment"
    ) throws(WireError) {
        guard message.hasSettings else { throw WireError(.missingField, at: "\(path).settings", "expected settings") }
        let goal: Goal
        switch message.goal {
        case .run(let release): goal = .run(try ReleaseReference(release, at: "\(path).run"))
        case .remove: goal = .remove
        case nil: throw WireError(.missingField, at: "\(path).goal", "expected run or remove")
        }
        self.init(
            cluster: cluster, application: try checkedName(message.application, at: "\(path).application"),
            generation: try checkedOrdinal(message.generation, from: 1, at: "\(path).generation"),
            epoch: try checkedOrdinal(message.epoch, at: "\(path).epoch"),
            rollout: try checkedName(message.rollout, at: "\(path).rollout"), goal: goal,
            fallback: message.hasFallback ? try ReleaseReference(message.fallback, at: "\(path).fallback") : nil,
            settings: try AssignmentSettings(message.settings, at: "\(path).settings"))
        if message.paused { isPaused = true }
    }
}

extension Swell_V1_Release {
    init(_ release: ReleaseReference) {
        self.init()
        version = release.version
        digest = release.digest.rawValue
    }
}

extension ReleaseReference {
    init(_ release: Swell_V1_Release, at path: String) throws(WireError) {
        self.init(
            version: try checkedWord(release.version, at: "\(path).version"),
            digest: try checkedDigest(release.digest, at: "\(path).digest"))
    }
}

extension Swell_V1_AssignmentSettings {
    init(_ settings: AssignmentSettings) {
        self.init()
        minHealthyTime = settings.minHealthyTime.milliseconds
        progressDeadline = settings.progressDeadline.milliseconds
        selfRollback = settings.selfRollback
        whenDisconnected =
            switch settings.whenDisconnected {
            case .finish: .finish
            case .hold: .hold
            case .revert: .revert
            }
        drift =
            switch settings.drift {
            case .correct: .correct
            case .report: .report
            }
        // Left out where nothing was said: agents and coordinators of before know no such field.
        silentControllers =
            switch settings.silentControllers {
            case nil: .unspecified
            case .wait: .wait
            case .accept: .accept
            }
    }
}

extension AssignmentSettings {
    init(_ settings: Swell_V1_AssignmentSettings, at path: String) throws(WireError) {
        let whenDisconnected: DisconnectedBehaviour =
            switch settings.whenDisconnected {
            case .finish: .finish
            case .hold: .hold
            case .revert: .revert
            case .unspecified: throw WireError(.missingField, at: "\(path).when_disconnected", "expected a behaviour")
            case .UNRECOGNIZED(let value):
                throw WireError(.invalidValue, at: "\(path).when_disconnected", "\(value) is no behaviour known here")
            }
        let drift: DriftPolicy =
            switch settings.drift {
            case .correct: .correct
            case .report: .report
            case .unspecified: throw WireError(.missingField, at: "\(path).drift", "expected a policy")
            case .UNRECOGNIZED(let value):
                throw WireError(.invalidValue, at: "\(path).drift", "\(value) is no policy known here")
            }
        let silentControllers: SilentControllerRule? =
            switch settings.silentControllers {
            case .unspecified: nil
            case .wait: .wait
            case .accept: .accept
            case .UNRECOGNIZED(let value):
                throw WireError(.invalidValue, at: "\(path).silent_controllers", "\(value) is no rule known here")
            }
        self.init(
            minHealthyTime: try checkedInterval(settings.minHealthyTime, at: "\(path).min_healthy_time"),
            progressDeadline: try checkedInterval(settings.progressDeadline, at: "\(path).progress_deadline"),
            selfRollback: settings.selfRollback, whenDisconnected: whenDisconnected, drift: drift,
            silentControllers: silentControllers)
    }
}
