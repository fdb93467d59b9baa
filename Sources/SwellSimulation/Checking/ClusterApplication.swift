internal import SwellModel

/// One application on one cluster.
struct ClusterApplication: Hashable {
    var cluster: ClusterName
    var application: ApplicationName

    init(_ cluster: ClusterName, _ application: ApplicationName) {
        self.cluster = cluster
        self.application = application
    }

    init(_ assignment: Assignment) { self.init(assignment.cluster, assignment.application) }
}
