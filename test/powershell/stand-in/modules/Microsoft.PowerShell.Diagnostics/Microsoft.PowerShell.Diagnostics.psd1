# A stand-in over a simulated host: of this module of PowerShell, which systems other than Windows do not have, what the scripts use.
@{
    RootModule        = 'Microsoft.PowerShell.Diagnostics.psm1'
    ModuleVersion     = '3.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-WinEvent')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
