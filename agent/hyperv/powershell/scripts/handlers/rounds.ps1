# Rounds of pre-copy by the change tracking of Hyper-V: recovery checkpoints, the reference points that they become, and what changed since.

function Read-ReferencePoints {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    $tracking = Test-ChangeTracking
    $points = if ($tracking) { @(Find-ReferencePoint -VmId $VmId) } else { @() }
    [ordered]@{ tracking = $tracking; points = [object[]] @($points | ForEach-Object { Read-ReferencePoint -Point $_ -Vm $vm }) }
}

# The content of the disks stands still below it. Of the type that alone can become a reference point.
function New-RecoveryCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\Ahyperferry [A-Za-z0-9_-]{1,70}(?: [0-9]{1,6})?\z')][string] $Name,
        # VM checkpoints that were there before this was first asked for: a recovery checkpoint that is new since is the one, though the reply was lost.
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')][string[]] $Before
    )
    $vm = Get-NeededVm -VmId $VmId
    $found = @(Find-NewRecoveryCheckpoint -Vm $vm -Before $Before)
    if ($found.Count -gt 1) { Stop-Request -Code 'VmBusy' -Message "Somebody else takes recovery checkpoints of VM $($vm.Name)." }
    if ($found.Count -eq 0) {
        $system = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem | Where-Object { $_.Name -eq $VmId }
        $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemSnapshotService
        # Crash-consistent: the guest is asked for nothing. What arrives in the end is what the disks hold once the VM stands still.
        $settings = ConvertTo-EmbeddedInstance -ClassName 'Msvm_VirtualSystemSnapshotSettingData' -Properties @{ ConsistencyLevel = [byte] 2; IgnoreNonSnapshottableDisks = $false }
        $result = Invoke-CimMethod -InputObject $service -MethodName CreateSnapshot -Arguments @{ AffectedSystem = $system; SnapshotSettings = $settings; SnapshotType = [uint16] 32768 }
        Complete-CimCall -Result $result -What "The recovery checkpoint of VM $VmId"
        $found = @(Invoke-Afterwards { Find-NewRecoveryCheckpoint -Vm $vm -Before $Before })
        if ($found.Count -ne 1) { throw "VM $($vm.Name) has $($found.Count) new recovery checkpoints instead of one." }
    }
    # The name is for people. Whether Hyper-V lets this type be renamed is not documented.
    if ("$($found[0].Name)" -ne $Name) {
        try { Rename-VMSnapshot -VMSnapshot $found[0] -NewName $Name }
        catch { Write-Warning "The recovery checkpoint of VM $($vm.Name) keeps its name: $($_.FullyQualifiedErrorId)" }
    }
    [ordered]@{ checkpointId = $found[0].Id.ToString(); vm = Read-ChangedVm -VmId $VmId }
}

function Find-NewRecoveryCheckpoint {
    param($Vm, [string[]] $Before)
    Get-VMSnapshot -VM $Vm -SnapshotType Recovery | Where-Object { $Before -notcontains $_.Id.ToString() }
}

# Hyper-V merges the disks afterwards, by itself. Where the checkpoint is gone, this was done before, and what is new tells it.
function ConvertTo-ReferencePoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')][string] $CheckpointId,
        # Reference points that were there before this was first asked for.
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 400)][string[]] $Before
    )
    $vm = Get-NeededVm -VmId $VmId
    $new = @(Find-NewReferencePoint -VmId $VmId -Before $Before)
    $checkpoint = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemSettingData | Where-Object { $_.InstanceID -eq "Microsoft:$CheckpointId" }
    if ($new.Count -eq 0 -and $null -ne $checkpoint) {
        $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemSnapshotService
        $result = Invoke-CimMethod -InputObject $service -MethodName ConvertToReferencePoint -Arguments @{ AffectedSnapshot = $checkpoint }
        Complete-CimCall -Result $result -What "The reference point of VM $VmId"
        $new = @(Invoke-Afterwards { Find-NewReferencePoint -VmId $VmId -Before $Before })
    }
    [ordered]@{
        points = [object[]] @(Invoke-Afterwards { $new | ForEach-Object { Read-ReferencePoint -Point $_ -Vm $vm } })
        vm     = Read-ChangedVm -VmId $VmId
    }
}

# 2: of change tracking.
function Find-NewReferencePoint {
    param([string] $VmId, [string[]] $Before)
    Find-ReferencePoint -VmId $VmId | Where-Object { $Before -notcontains $_.InstanceID -and $_.ReferencePointType -eq 2 }
}

# A recovery checkpoint that becomes no reference point: its disks are merged.
function Remove-RecoveryCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z')][string] $CheckpointId
    )
    $vm = Get-NeededVm -VmId $VmId
    $id = [guid] $CheckpointId
    foreach ($snapshot in @(Get-VMSnapshot -VM $vm -SnapshotType Recovery | Where-Object { $_.Id -eq $id })) { Remove-VMSnapshot -VMSnapshot $snapshot }
    Read-ChangedVm -VmId $VmId
}

# Those that are gone already, also with their VM, are no error.
function Remove-ReferencePoints {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 400)][string[]] $PointIds
    )
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemReferencePointService
    foreach ($point in @(Find-ReferencePoint -VmId $VmId | Where-Object { $PointIds -contains $_.InstanceID })) {
        $result = Invoke-CimMethod -InputObject $service -MethodName DestroyReferencePoint -Arguments @{ AffectedReferencePoint = $point }
        Complete-CimCall -Result $result -What "Removing a reference point of VM $VmId"
    }
    [ordered]@{ done = $true }
}

# What changed of disks since their points, each by itself: that of one which is not known hides no other.
function Read-DiskChanges {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string[]] $Paths,
        [Parameter(Mandatory)][ValidateLength(1, 200)][string[]] $TrackingIds
    )
    if ($Paths.Count -ne $TrackingIds.Count) { Stop-Request -Code 'RequestInvalid' -Message "VM ${VmId}: as many paths as tracking ids are wanted." }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ImageManagementService
    $changes = for ($at = 0; $at -lt $Paths.Count; $at++) { Read-Fact { Read-ChangedRanges -Service $service -Path $Paths[$at] -TrackingId $TrackingIds[$at] } }
    [ordered]@{ changes = [object[]] @($changes) }
}

# As 'offset+length,...': there may be hundreds of thousands. One call tells of as much of the disk as it likes.
function Read-ChangedRanges {
    param($Service, [string] $Path, [string] $TrackingId)
    $size = [uint64] (Get-VHD -Path $Path).Size
    $ranges = New-Object -TypeName System.Text.StringBuilder
    $offset = [uint64] 0
    while ($offset -lt $size) {
        $result = Invoke-CimMethod -InputObject $Service -MethodName GetVirtualDiskChanges -Arguments @{ Path = $Path; LimitId = $TrackingId; TargetSnapshotId = ''; ByteOffset = $offset; ByteLength = [uint64] ($size - $offset) }
        Complete-CimCall -Result $result -What "Asking what changed of $Path"
        if ($null -eq $result.ProcessedByteLength -or $result.ProcessedByteLength -eq 0) { throw "Hyper-V tells nothing of $Path from byte $offset on." }
        $offsets = @($result.ChangedByteOffsets | Where-Object { $null -ne $_ })
        $lengths = @($result.ChangedByteLengths | Where-Object { $null -ne $_ })
        for ($at = 0; $at -lt $offsets.Count; $at++) { [void] $ranges.Append($offsets[$at]).Append('+').Append($lengths[$at]).Append(',') }
        $offset += [uint64] $result.ProcessedByteLength
    }
    $ranges.ToString().TrimEnd(',')
}

function Find-ReferencePoint {
    param([string] $VmId)
    Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemReferencePoint | Where-Object { $_.VirtualSystemIdentifier -eq $VmId }
}

# Identifiers of disks and of their tracking are lists side by side. A disk whose place cannot be told is left out: nobody guesses.
function Read-ReferencePoint {
    param($Point, $Vm)
    $drives = @(Get-VMHardDiskDrive -VM $Vm | Where-Object { $null -eq $_.DiskNumber })
    $identifiers = @($Point.VirtualDiskIdentifiers)
    $tracking = @($Point.ResilientChangeTrackingIdentifiers)
    $disks = for ($at = 0; $at -lt $identifiers.Count -and $identifiers.Count -eq $tracking.Count; $at++) {
        $place = Get-PlaceOfDisk -Identifier "$($identifiers[$at])"
        $drive = @($drives | Where-Object { (Get-PlaceOfDisk -Identifier "$($_.Id)") -eq $place })
        if ($drive.Count -ne 1 -or "$($tracking[$at])" -eq '') { continue }
        [ordered]@{
            controller = $drive[0].ControllerType.ToString()
            number     = [int] $drive[0].ControllerNumber
            location   = [int] $drive[0].ControllerLocation
            trackingId = "$($tracking[$at])"
        }
    }
    [ordered]@{ id = "$($Point.InstanceID)"; disks = [object[]] @($disks | Where-Object { $null -ne $_ }) }
}

# Behind the id of the VM or its checkpoint: controller and place. The letter at the end tells the drive from what is in it.
function Get-PlaceOfDisk {
    param([string] $Identifier)
    ($Identifier -replace '\A[^\\]*\\', '' -replace '\\[A-Za-z]\z', '').ToUpperInvariant()
}
