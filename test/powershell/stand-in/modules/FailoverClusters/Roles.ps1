# Groups of the cluster that hold VMs.

function Get-ClusterGroup {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipelineByPropertyName)][guid] $VMId)
    $role = Invoke-StandInService -Command 'role' -With @{ vmId = "$VMId" }
    if ($null -eq $role) {
        $exception = [System.ArgumentException]::new("There is no cluster group of VM $VMId.")
        return $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'Get-ClusterGroup', 'ObjectNotFound', $VMId))
    }
    [pscustomobject] @{ Name = 'SCVMM role'; OwnerNode = $role.owner; State = $role.state; VmId = "$VMId" }
}

# Where it does not wait, the cluster goes on by itself.
function Move-ClusterGroup {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Position = 0)][string] $Name,
        [Parameter(Position = 1)][string] $Node,
        [int] $Wait = -1,
        [Parameter(ValueFromPipeline)][psobject] $InputObject
    )
    if ($Name) { throw 'The stand-in moves groups by object alone.' }
    if ($Wait -ne 0) { throw 'The stand-in does not wait for roles.' }
    [void] (Invoke-StandInService -Command 'move-group' -With @{ vmId = $InputObject.VmId; node = $Node })
    Get-ClusterGroup -VMId $InputObject.VmId
}

function Start-ClusterGroup {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipeline)][psobject] $InputObject)
    [void] (Invoke-StandInService -Command 'start' -With @{ vmId = $InputObject.VmId })
    Get-ClusterGroup -VMId $InputObject.VmId
}
