# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'HgsClient.psm1'
    ModuleVersion     = '1.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-HgsGuardian', 'New-HgsGuardian', 'Get-HgsClientConfiguration', 'ConvertTo-HgsKeyProtector', 'Get-ChildItem')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
