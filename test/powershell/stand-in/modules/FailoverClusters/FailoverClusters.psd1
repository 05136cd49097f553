# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'FailoverClusters.psm1'
    ModuleVersion     = '2.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-Cluster', 'Get-ClusterNode', 'Get-ClusterGroup', 'Get-ClusterSharedVolume', 'Get-ClusterSharedVolumeState', 'Move-ClusterVirtualMachineRole', 'Move-ClusterGroup', 'Start-ClusterGroup', 'Get-ClusterResource', 'Get-ClusterOwnerNode', 'Set-ClusterOwnerNode', 'Remove-ClusterGroup', 'Add-ClusterVirtualMachineRole')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
