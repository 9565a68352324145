"""What CloudFormation knows of templates and resource types, without ministack, which has the stacks.

`type_schemas` reads the schemas of the types. `template_validation` and `property_validation` refuse
templates, `replacement` and `changes` say what an update does, `scalars` converts values, `recorded_types`
has types that do nothing, `macros` runs macros on a template, and `role_permissions` has the permissions for
changes of resources. `emulators/ministack/cloudformation/` connects them with stacks.
"""
