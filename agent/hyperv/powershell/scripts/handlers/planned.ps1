# Planned VMs: what a comparison left, also one that was cut short. One that a migration of Hyper-V brings in is not touched.

function Remove-PlannedVm {
    param([string] $VmId)
    $planned = @(Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_PlannedComputerSystem | Where-Object { $_.Name -eq $VmId })
    if ($planned.Count -eq 0) { return }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemManagementService
    foreach ($system in $planned) {
        # 32774: it is being migrated.
        if (@($system.OperationalStatus) -contains 32774) { Stop-Request -Code 'VmBusy' -Message "VM $VmId is being migrated to this host." }
        $result = Invoke-CimMethod -InputObject $service -MethodName DestroySystem -Arguments @{ AffectedSystem = $system }
        Complete-CimCall -Result $result -What "Removing the planned VM $VmId"
    }
}

# Those that have their configuration in that folder: they have ids that Hyper-V drew.
function Remove-PlannedBelow {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder)
    $wanted = Format-Folder -Path $Folder
    $all = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemSettingData -Property VirtualSystemIdentifier, VirtualSystemType, ConfigurationDataRoot
    $planned = @($all | Where-Object { $wanted -ne '' -and $_.VirtualSystemType -eq 'Microsoft:Hyper-V:System:Planned' -and (Format-Folder -Path "$($_.ConfigurationDataRoot)") -eq $wanted })
    foreach ($settings in $planned) { Remove-PlannedVm -VmId $settings.VirtualSystemIdentifier }
    [ordered]@{ done = $true }
}

# The VM that is registered from a folder, or nothing.
function Find-VmIn {
    param([string] $Folder)
    $wanted = Format-Folder -Path $Folder
    Get-VM | Where-Object { (Format-Folder -Path "$($_.ConfigurationLocation)") -eq $wanted } | Select-Object -First 1
}

# As folders are compared: Hyper-V may end a path with a separator.
function Format-Folder {
    param([string] $Path)
    $Path.TrimEnd('\', '/')
}
