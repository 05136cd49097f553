# Recovery checkpoints and the reference points that they become; of the namespace root\virtualization\v2.

function Get-ReferencePoints {
    foreach ($point in Invoke-StandInService -Command 'points') {
        $id = $point.vmId.ToUpperInvariant()
        [pscustomobject] @{
            Class                              = 'Msvm_VirtualSystemReferencePoint'
            InstanceID                         = $point.id
            ReferencePointType                 = [uint16] 2
            VirtualSystemIdentifier            = $id
            VirtualDiskIdentifiers             = [string[]] @($point.disks | ForEach-Object {
                    $controller, $number, $location = $_.diskId.ToUpperInvariant() -split '-'
                    "Microsoft:$id\$controller-CONTROLLER\$number\$location\L"
                })
            ResilientChangeTrackingIdentifiers = [string[]] @($point.disks | ForEach-Object { $_.trackingId })
        }
    }
}

# Each is done by a job, as the real ones are.
function New-RecoverySnapshot {
    param($Arguments)
    $settings = ([xml] $Arguments.SnapshotSettings).INSTANCE
    if ($settings.CLASSNAME -ne 'Msvm_VirtualSystemSnapshotSettingData' -or $Arguments.SnapshotType -isnot [uint16]) { return New-Result -ReturnValue 4 }
    if ($Arguments.SnapshotType -ne 32768) { throw 'The stand-in makes recovery snapshots alone by this method.' }
    New-JobResult -Command 'take-recovery' -With @{ vmId = $Arguments.AffectedSystem.Name.ToLowerInvariant() }
}

function ConvertTo-Point {
    param($Arguments)
    $snapshot = $Arguments.AffectedSnapshot
    if ($null -eq $snapshot.CheckpointId) { return New-Result -ReturnValue 4 }
    New-JobResult -Command 'convert' -With @{ vmId = $snapshot.VmId; id = $snapshot.CheckpointId }
}

# A point that is not known is an error of the file's own, which this method tells as "failed".
function Read-VirtualDiskChanges {
    param($Arguments)
    if ($Arguments.TargetSnapshotId -ne '' -or $Arguments.ByteOffset -isnot [uint64] -or $Arguments.ByteLength -isnot [uint64]) { return New-Result -ReturnValue 32773 }
    $with = @{ path = $Arguments.Path; since = $Arguments.LimitId; offsetBytes = $Arguments.ByteOffset; lengthBytes = $Arguments.ByteLength }
    $changes = Invoke-StandInService -Command 'changes' -With $with
    if ($null -eq $changes) { return New-Result -ReturnValue 32768 }
    [pscustomobject] @{
        ReturnValue         = [uint32] 0
        Job                 = $null
        ProcessedByteLength = [uint64] $changes.processedBytes
        ChangedByteOffsets  = [uint64[]] @($changes.ranges | ForEach-Object { $_[0] })
        ChangedByteLengths  = [uint64[]] @($changes.ranges | ForEach-Object { $_[1] })
    }
}

function New-Result {
    param([uint32] $ReturnValue)
    [pscustomobject] @{ ReturnValue = $ReturnValue; Job = $null }
}

function New-JobResult {
    param([string] $Command, [hashtable] $With)
    $id = Invoke-StandInService -Command $Command -With $With
    [pscustomobject] @{ ReturnValue = [uint32] 4096; Job = [pscustomobject] @{ Class = 'Msvm_ConcreteJob'; InstanceID = $id } }
}

function Get-Job {
    param($Reference)
    $job = Invoke-StandInService -Command 'job' -With @{ id = $Reference.InstanceID }
    [pscustomobject] @{
        Class            = 'Msvm_ConcreteJob'
        InstanceID       = $Reference.InstanceID
        JobState         = [uint16] $job.state
        ErrorCode        = [uint16] $job.errorCode
        ErrorDescription = $job.errorDescription
    }
}
