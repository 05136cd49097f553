Set-StrictMode -Version 2
. (Join-Path -Path $PSScriptRoot -ChildPath 'Roles.ps1')

function Read-ClusterFact {
    $cluster = (Invoke-StandInService -Command 'host').facts.cluster
    if (-not $cluster.known) { throw $cluster.why }
    if ($null -eq $cluster.value) { throw 'This host is no node of a cluster.' }
    $cluster.value
}

function Get-Cluster {
    [CmdletBinding()]
    param([Parameter(Position = 0)][string] $Name)
    if ($Name) { throw 'The stand-in has the cluster of its own host alone.' }
    [pscustomobject] @{ Name = (Read-ClusterFact).name }
}

function Get-ClusterNode {
    [CmdletBinding()]
    param([Parameter(Position = 0)][System.Collections.Specialized.StringCollection] $Name)
    if ($null -eq $Name) { foreach ($node in @(Invoke-StandInService -Command 'cluster-nodes')) { [pscustomobject] @{ Name = $node } }; return }
    if ($Name.Count -ne 1 -or $Name[0] -ne [Environment]::MachineName) { throw 'The stand-in is one node.' }
    [pscustomobject] @{ Name = $Name[0]; State = (Get-Culture).TextInfo.ToTitleCase((Read-ClusterFact).node) }
}

function Get-ClusterSharedVolume {
    [CmdletBinding()]
    param([Parameter(Position = 0)][System.Collections.Specialized.StringCollection] $Name)
    if ($Name) { throw 'The stand-in lists all volumes.' }
    $folder = (Invoke-StandInService -Command 'host').sharedVolumesFolder
    foreach ($volume in (Read-ClusterFact).sharedVolumes) {
        [pscustomobject] @{
            Name             = $volume.name
            SharedVolumeInfo = @([pscustomobject] @{ FriendlyVolumeName = "$folder/$($volume.name)" })
        }
    }
}

function Get-ClusterSharedVolumeState {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipeline)][psobject] $InputObject)
    process {
        $volume = (Read-ClusterFact).sharedVolumes | Where-Object { $_.name -eq $InputObject.Name }
        $state = switch ($volume.access) { 'direct' { 'Direct' } 'redirected' { 'FileSystemRedirected' } default { 'Unavailable' } }
        [pscustomobject] @{ Node = 'ANOTHER'; StateInfo = 'BlockRedirected' }
        [pscustomobject] @{ Node = [Environment]::MachineName; StateInfo = $state }
    }
}

# The cluster has the move made and goes on with it by itself.
function Move-ClusterVirtualMachineRole {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Position = 0)][string] $Name,
        [Parameter(Position = 1)][string] $Node,
        [switch] $Cancel,
        [ValidateSet('TurnOff', 'Quick', 'Shutdown', 'ShutdownForce', 'Live')][string] $MigrationType,
        [Parameter(ValueFromPipelineByPropertyName)][guid] $VMId,
        [int] $Wait = -1
    )
    if ($Name) { throw 'The stand-in moves roles by the ids of their VMs alone.' }
    $id = $VMId.ToString()
    $role = (Invoke-StandInService -Command 'hardware' -With @{ vmId = $id }).role
    if (-not $role.known -or $null -eq $role.value) { throw "VM $id is no role of the cluster." }
    if ($Cancel) { [void] (Invoke-StandInService -Command 'stop-move-of' -With @{ vmId = $id }); return }
    if ($MigrationType -ne 'Live' -or $Wait -ne 0) { throw 'The stand-in moves running roles alone, and does not wait.' }
    [void] (Invoke-StandInService -Command 'start-move' -With @{ how = 'live'; vmId = $id; destinationHost = $Node })
    [pscustomobject] @{ Name = 'SCVMM role'; OwnerNode = $role.value.owner }
}

Export-ModuleMember -Function *-Cluster*
