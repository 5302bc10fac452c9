"""Quality of answers in the control plane: the words that checks read by, and the model that judges."""
