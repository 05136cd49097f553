# Importing a VM from files that are where they are to be. Hyper-V plans it first; what does not fit this host is changed in the plan.

function Compare-Placeholder {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(6, 32767)][ValidatePattern('\.vmcx\z')][string] $Path,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A(?:scsi|ide)-[0-9]{1,2}-[0-9]{1,2}\z')][string[]] $DiskIds,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths,
        # Under an id of its own, where a VM with its id is registered.
        [Parameter(Mandatory)][bool] $AsCopy
    )
    if (-not $AsCopy) { Remove-PlannedVm -VmId $VmId }
    $report = if ($AsCopy) { Compare-VM -Path $Path -Copy -GenerateNewId } else { Compare-VM -Path $Path -Register }
    try {
        $fitted = Edit-ImportReport -Report $report -SwitchName $SwitchName -DiskIds $DiskIds -DiskPaths $DiskPaths
        [ordered]@{ state = $fitted.VM.State.ToString(); incompatibilities = [object[]] @(Read-Incompatibilities -Report $fitted) }
    }
    finally { Remove-PlannedVm -VmId $report.VM.Id.ToString() }
}

# A VM that is registered from this file already is left as it is.
function Import-Placeholder {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(6, 32767)][ValidatePattern('\.vmcx\z')][string] $Path,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A(?:scsi|ide)-[0-9]{1,2}-[0-9]{1,2}\z')][string[]] $DiskIds,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    if ($null -ne (Find-Vm -VmId $VmId)) { Stop-Request -Code 'DestinationOccupied' -Message "A VM $VmId is registered on this host." }
    Remove-PlannedVm -VmId $VmId
    $report = Compare-VM -Path $Path -Register
    $isImported = $false
    try {
        $fitted = Edit-ImportReport -Report $report -SwitchName $SwitchName -DiskIds $DiskIds -DiskPaths $DiskPaths
        $found = @(Read-Incompatibilities -Report $fitted)
        if ($found.Count -eq 0) {
            $null = Import-VM -CompatibilityReport $fitted
            $isImported = $true
        }
    }
    finally { if (-not $isImported) { Remove-PlannedVm -VmId $VmId } }
    $vm = if ($isImported) { Read-Vm -Vm (Get-NeededVm -VmId $VmId) -Statuses (Read-OperationalStatuses) } else { $null }
    [ordered]@{ incompatibilities = [object[]] $found; vm = $vm }
}

# Disks and switch of the planned VM as they are to be, and the comparison anew.
function Edit-ImportReport {
    param($Report, [string] $SwitchName, [string[]] $DiskIds, [string[]] $DiskPaths)
    foreach ($drive in @(Get-VMHardDiskDrive -VM $Report.VM)) {
        $slot = "$($drive.ControllerType.ToString().ToLowerInvariant())-$($drive.ControllerNumber)-$($drive.ControllerLocation)"
        $at = [Array]::IndexOf($DiskIds, $slot)
        if ($at -ge 0 -and "$($drive.Path)" -ne $DiskPaths[$at]) { Set-VMHardDiskDrive -VMHardDiskDrive $drive -Path $DiskPaths[$at] }
    }
    if ($SwitchName -ne '') {
        $lost = @($Report.Incompatibilities | Where-Object { $null -ne $_ -and $_.MessageId -eq 33012 } | ForEach-Object { $_.Source })
        $connected = @(Get-VMNetworkAdapter -VM $Report.VM | Where-Object { "$($_.SwitchName)" -ne '' -and "$($_.SwitchName)" -ne $SwitchName })
        foreach ($adapter in $lost + $connected) { Connect-VMNetworkAdapter -VMNetworkAdapter $adapter -SwitchName $SwitchName }
    }
    Compare-VM -CompatibilityReport $Report
}

function Read-Incompatibilities {
    param($Report)
    foreach ($one in @($Report.Incompatibilities | Where-Object { $null -ne $_ })) {
        [ordered]@{
            id      = [long] $one.MessageId
            message = "$($one.Message)"
            source  = if ($null -eq $one.Source) { '' } else { $one.Source.GetType().Name }
        }
    }
}

# What a comparison left, also one that was cut short. One that a migration of Hyper-V brings in is not touched: 32774 moves the VM.
function Remove-PlannedVm {
    param([string] $VmId)
    $planned = @(Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_PlannedComputerSystem | Where-Object { $_.Name -eq $VmId })
    if ($planned.Count -eq 0) { return }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemManagementService
    foreach ($system in $planned) {
        if (@($system.OperationalStatus) -contains 32774) { Stop-Request -Code 'VmBusy' -Message "VM $VmId is being migrated to this host." }
        $result = Invoke-CimMethod -InputObject $service -MethodName DestroySystem -Arguments @{ AffectedSystem = $system }
        Complete-CimCall -Result $result -What "Removing the planned VM $VmId"
    }
}
