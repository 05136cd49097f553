# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'Hyper-V.psm1'
    ModuleVersion     = '2.0.0.0'
    NestedModules     = @('../service.psm1')
    FunctionsToExport = @('Get-VM', 'Get-VMHost', 'Get-VMSwitch', 'Get-VHD', 'Get-VMHardDiskDrive', 'Get-VMNetworkAdapter', 'Get-VMSnapshot', 'Set-VM', 'Checkpoint-VM', 'Remove-VMSnapshot', 'Save-VM', 'Start-VM', 'Stop-VM')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
