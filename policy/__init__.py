"""What no stack of this project may be, as a policy pack of Pulumi.

`rules`: one function a rule, over the resources that `resources` reads. `script/preview` runs them; by
hand: `pulumi preview --policy-pack policy`.
"""
