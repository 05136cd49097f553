# Saving and starting. Each is "make it so": a VM that is as wanted already is left alone.

function Save-RunningVm {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    if ($vm.State.ToString() -ne 'Saved') { Save-VM -VM $vm }
    Read-Vm -Vm (Get-NeededVm -VmId $VmId) -Statuses (Read-OperationalStatuses)
}

function Start-StoppedVm {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    if ($vm.State.ToString() -ne 'Running') { Start-VM -VM $vm }
    Read-Vm -Vm (Get-NeededVm -VmId $VmId) -Statuses (Read-OperationalStatuses)
}
