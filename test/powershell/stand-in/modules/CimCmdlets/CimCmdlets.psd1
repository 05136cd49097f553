# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'CimCmdlets.psm1'
    ModuleVersion     = '2.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-CimInstance', 'Invoke-CimMethod', 'Get-CimAssociatedInstance', 'icacls.exe', 'whoami.exe')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
