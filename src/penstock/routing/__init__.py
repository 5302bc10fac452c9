"""Layer 3: which targets a model name stands for.  `app` builds the catalog and puts `RouteStage` into the plan."""
