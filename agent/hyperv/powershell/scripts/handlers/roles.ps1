# Roles of a cluster: VMs that its nodes hand to one another. Any node may be asked where a role is.

function Read-ClusterRole {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $group = Find-ClusterRole -VmId $VmId
    [ordered]@{ role = if ($null -eq $group) { $null } else { [ordered]@{ owner = "$($group.OwnerNode)"; state = $group.State.ToString() } } }
}

# The cluster goes on with it by itself; where the role is, is looked at afterwards.
function Move-ClusterRole {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{1,50}\z')][string] $Node
    )
    $vm = Get-NeededVm -VmId $VmId
    # A role whose VM runs would be moved with its memory, or stopped, as the cluster is set.
    if ($vm.State.ToString() -ne 'Saved') { Stop-Request -Code 'VmStateWrong' -Message "VM $($vm.Name) is $($vm.State); its role moves while it is saved." }
    $group = Find-ClusterRole -VmId $VmId
    if ($null -eq $group) { Stop-Request -Code 'NotClustered' -Message "VM $($vm.Name) is no role of a cluster." }
    if ("$($group.OwnerNode)" -ne $Node) { $null = Move-ClusterGroup -InputObject $group -Node $Node -Wait 0 }
    Invoke-Afterwards { Read-ClusterRole -VmId $VmId }
}

# A look-up by id fails alike for a VM that is no role and for a cluster that does not answer; the cluster tells which it is.
function Find-ClusterRole {
    param([string] $VmId)
    $null = Get-Cluster
    Get-ClusterGroup -VMId ([guid] $VmId) -ErrorAction SilentlyContinue
}

# The cluster starts its own VM, or it would not know that it is to run.
function Start-ClusterRole {
    param($Vm)
    $null = Start-ClusterGroup -InputObject (Get-ClusterGroup -VMId $Vm.Id)
    $now = Invoke-Afterwards { Find-Vm -VmId $Vm.Id.ToString() }
    if ($null -eq $now) { throw "The cluster took VM $($Vm.Name) to another node when it was started." }
    $now
}
