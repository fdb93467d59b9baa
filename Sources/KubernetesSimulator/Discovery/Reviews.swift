internal import KubernetesObjects

// MARK: - Reviews: everybody with the token may do everything

extension ClusterState {
    /// Answers questions about the caller's own rights and name; nil when the request is none.
    func review(_ request: APIRequest) throws(APIStatus) -> APIResponse? {
        guard request.method == "POST", request.path.count == 4, request.path[0] == "apis" else { return nil }
        switch (request.path[1], request.path[3]) {
        case ("authorization.k8s.io", "selfsubjectaccessreviews"):
            var review = try decode(request, expecting: "SelfSubjectAccessReview")
            review["status"] = ["allowed": true, "reason": "the token's holder may do everything"]
            return .json(review, status: 201)
        case ("authorization.k8s.io", "selfsubjectrulesreviews"):
            var review = try decode(request, expecting: "SelfSubjectRulesReview")
            review["status"] = [
                "resourceRules": [["verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]]],
                "nonResourceRules": [["verbs": ["*"], "nonResourceURLs": ["*"]]], "incomplete": false,
            ]
            return .json(review, status: 201)
        case ("authentication.k8s.io", "selfsubjectreviews"):
            var review = try decode(request, expecting: "SelfSubjectReview")
            review["status"] = [
                "userInfo": ["username": "simulated-admin", "groups": ["system:masters", "system:authenticated"]]
            ]
            return .json(review, status: 201)
        default: return nil
        }
    }
}
