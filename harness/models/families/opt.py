"""OPT: neurons are relu(fc1(x)).

The 350M checkpoint norms a block's sum, has no final norm and projects to narrower embeddings before the head; so rows
run through their block, and what a checkpoint lacks is skipped.
"""

from harness.models.families.family import Family

OPT = Family(
    model_type="opt",
    blocks="model.decoder.layers",
    output_projection="fc2",
    before_head=("model.decoder.final_layer_norm", "model.decoder.project_out"),
    ffn_added_as_is=False,
)
