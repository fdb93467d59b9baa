public import SwellModel

/// Questions to agents, and their answers.
extension MemoryState {
    public mutating func askPreviews(
        of release: ReleaseReference, application: ApplicationName, on names: [ClusterName], lifetime: Interval
    ) throws(StoreError) -> [PreviewRequest] {
        previews = previews.filter { $0.value.expiresAt > now }
        let open = previews.values.count { $0.answer == nil }
        guard open + names.count <= Bounds.openPreviews else { throw .tooManyPreviews(open) }
        return names.map { cluster in
            let request = PreviewRequest(
                id: nextID(), cluster: cluster, application: application, release: release, timeLimit: lifetime)
            previews[request.id] = StoredPreview(request: request, expiresAt: now + lifetime)
            return request
        }
    }

    public func openPreviews() -> [PreviewRequest] {
        previews.values.filter { isOpen($0) }.map { stored in
            var request = stored.request
            request.timeLimit = stored.expiresAt - now
            return request
        }.sorted { $0.id < $1.id }
    }

    public mutating func answerPreview(_ id: Int64, from cluster: ClusterName, _ answer: PreviewAnswer) -> Bool {
        guard let stored = previews[id], stored.request.cluster == cluster, isOpen(stored) else { return false }
        previews[id]?.answer = answer
        return true
    }

    public func previewAnswers(to ids: [Int64]) -> [Int64: PreviewAnswer] {
        ids.reduce(into: [:]) { answers, id in answers[id] = previews[id]?.answer }
    }

    public mutating func closePreviews(_ ids: [Int64]) {
        for id in ids { previews[id] = nil }
    }

    func isOpen(_ preview: StoredPreview) -> Bool { preview.answer == nil && preview.expiresAt > now }
}
