# VM checkpoints of a run, known by their name. VMs by GUID, VM checkpoints by the whole name: wildcards in names mean nothing here.

function New-VmCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\Ahyperferry [A-Za-z0-9_-]{1,70}(?: [0-9]{1,6})?\z')][string] $Name
    )
    $vm = Get-NeededVm -VmId $VmId
    if (@(Find-VmCheckpoint -Vm $vm -Name $Name).Count -eq 0) {
        if ($vm.CheckpointType.ToString() -eq 'Disabled') {
            Stop-Request -Code 'VmStateWrong' -Message "VM checkpoints are disabled for VM $($vm.Name)."
        }
        Checkpoint-VM -VM $vm -SnapshotName $Name
    }
    Read-ChangedVm -VmId $VmId
}

# Hyper-V merges the disks afterwards, by itself.
function Remove-VmCheckpoint {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\Ahyperferry [A-Za-z0-9_-]{1,70}(?: [0-9]{1,6})?\z')][string] $Name
    )
    $vm = Get-NeededVm -VmId $VmId
    foreach ($snapshot in @(Find-VmCheckpoint -Vm $vm -Name $Name)) { Remove-VMSnapshot -VMSnapshot $snapshot }
    Read-ChangedVm -VmId $VmId
}

function Find-VmCheckpoint {
    param($Vm, [string] $Name)
    Get-VMSnapshot -VM $Vm | Where-Object { [string]::Equals($_.Name, $Name, [StringComparison]::Ordinal) }
}
