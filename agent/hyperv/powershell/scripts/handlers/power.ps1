# Saving and starting. Each is "make it so": a VM that is as wanted already is left alone.

function Save-RunningVm {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    if ($vm.State.ToString() -ne 'Saved') { Save-VM -VM $vm }
    Read-ChangedVm -VmId $VmId
}

function Start-StoppedVm {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    if ($vm.IsClustered -and $vm.State.ToString() -ne 'Running') { $vm = Start-ClusterRole -Vm $vm }
    if ($vm.State.ToString() -ne 'Running') { Start-VM -VM $vm }
    Read-ChangedVm -VmId $VmId
}

# Asks the guest to shut down. No -Force: a guest that does not answer is not turned off.
function Stop-RunningVm {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    if ($vm.State.ToString() -ne 'Off') { Stop-VM -VM $vm -Confirm:$false }
    Read-ChangedVm -VmId $VmId
}
