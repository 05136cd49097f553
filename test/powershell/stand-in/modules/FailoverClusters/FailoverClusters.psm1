Set-StrictMode -Version 2

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
    if ($Name.Count -ne 1 -or $Name[0] -ne [Environment]::MachineName) { throw 'The stand-in is one node.' }
    [pscustomobject] @{ Name = $Name[0]; State = (Get-Culture).TextInfo.ToTitleCase((Read-ClusterFact).node) }
}

function Get-ClusterGroup {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipelineByPropertyName)][guid] $VMId)
    $role = (Invoke-StandInService -Command 'hardware' -With @{ vmId = "$VMId" }).role
    if (-not $role.known) { throw $role.why }
    [pscustomobject] @{ Name = 'SCVMM role'; OwnerNode = $role.value.owner }
}

function Get-ClusterSharedVolume {
    [CmdletBinding()]
    param([Parameter(Position = 0)][System.Collections.Specialized.StringCollection] $Name)
    if ($Name) { throw 'The stand-in lists all volumes.' }
    foreach ($volume in (Read-ClusterFact).sharedVolumes) {
        [pscustomobject] @{
            Name             = $volume.name
            SharedVolumeInfo = @([pscustomobject] @{ FriendlyVolumeName = "$env:HYPERFERRY_STAND_IN_CSV/$($volume.name)" })
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

Export-ModuleMember -Function Get-Cluster*
