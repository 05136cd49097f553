# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'NetSecurity.psm1'
    ModuleVersion     = '2.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-NetFirewallProfile', 'New-NetFirewallRule', 'Get-NetFirewallRule', 'Remove-NetFirewallRule')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
