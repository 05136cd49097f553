# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'Storage.psm1'
    ModuleVersion     = '2.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-Volume', 'Get-Disk', 'Get-Partition', 'Set-Disk', 'Update-HostStorageCache', 'Add-PartitionAccessPath', 'Remove-PartitionAccessPath')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
