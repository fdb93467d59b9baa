-- A cluster's pause goes with the cluster. Those of clusters that were removed before would pause whatever comes back under their name.

DELETE FROM cluster_pauses p WHERE NOT EXISTS (SELECT 1 FROM clusters c WHERE c.name = p.cluster);
