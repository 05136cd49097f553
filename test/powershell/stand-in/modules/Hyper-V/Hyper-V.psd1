# A stand-in over a simulated host. It has no more than the scripts use, and is held to the documented interface.
@{
    RootModule        = 'Hyper-V.psm1'
    ModuleVersion     = '2.0.0.0'
    NestedModules     = @('../service.psm1', 'Inspection.psm1')
    FunctionsToExport = @('Get-VM', 'Get-VMHost', 'Get-VMSwitch', 'New-VMSwitch', 'Set-VMSwitch', 'Remove-VMSwitch', 'Get-VHD', 'Get-VMHardDiskDrive', 'Get-VMNetworkAdapter', 'Get-VMSnapshot', 'Get-VMHostSupportedVersion', 'Get-VMMigrationNetwork', 'Get-VMNetworkAdapterVlan', 'Get-VMProcessor', 'Get-VMDvdDrive', 'Get-VMFloppyDiskDrive', 'Get-VMSecurity', 'Get-VMKeyProtector', 'Get-VMAssignableDevice', 'Get-VMGpuPartitionAdapter', 'Get-VMIntegrationService', 'Set-VM', 'Checkpoint-VM', 'Remove-VMSnapshot', 'Rename-VMSnapshot', 'Save-VM', 'Start-VM', 'Stop-VM', 'Compare-VM', 'Import-VM', 'Move-VM', 'Move-VMStorage', 'New-VM', 'Set-VMFirmware', 'Remove-VM', 'Set-VMHardDiskDrive', 'Connect-VMNetworkAdapter', 'Disconnect-VMNetworkAdapter', 'Remove-VMSavedState', 'Rename-VM')
    CmdletsToExport   = @()
    VariablesToExport = @()
    AliasesToExport   = @()
}
