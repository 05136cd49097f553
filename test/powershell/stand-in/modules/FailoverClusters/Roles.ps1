# Groups of the cluster that hold VMs.

function Get-ClusterGroup {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipelineByPropertyName)][guid] $VMId)
    if (-not $PSBoundParameters.ContainsKey('VMId')) {
        foreach ($role in @(Invoke-StandInService -Command 'roles')) { New-GroupObject -Role $role }
        return
    }
    $role = Invoke-StandInService -Command 'role' -With @{ vmId = "$VMId" }
    if ($null -eq $role) {
        $exception = [System.ArgumentException]::new("There is no cluster group of VM $VMId.")
        return $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'Get-ClusterGroup', 'ObjectNotFound', $VMId))
    }
    New-GroupObject -Role $role
}

# What is set of a group goes to the cluster at once.
function New-GroupObject {
    param($Role)
    $group = [pscustomobject] @{ Name = $Role.settings.name; OwnerNode = $Role.owner; State = $Role.state; GroupType = 'VirtualMachine'; VmId = $Role.vmId; Told = $Role }
    # Not closures, which would not see the functions of this module.
    $numbers = [ordered] @{
        Priority            = { [uint32] $this.Told.settings.priority }, { param($Value) Set-GroupSetting -Group $this -Settings @{ priority = [uint32] $Value } }
        FailoverThreshold   = { [uint32] $this.Told.settings.failoverThreshold }, { param($Value) Set-GroupSetting -Group $this -Settings @{ failoverThreshold = [uint32] $Value } }
        FailoverPeriod      = { [uint32] $this.Told.settings.failoverPeriodHours }, { param($Value) Set-GroupSetting -Group $this -Settings @{ failoverPeriodHours = [uint32] $Value } }
        AutoFailbackType    = { [uint32] $this.Told.settings.autoFailbackType }, { param($Value) Set-GroupSetting -Group $this -Settings @{ autoFailbackType = [uint32] $Value } }
        FailbackWindowStart = { [uint32] $this.Told.settings.failbackWindowStart }, { param($Value) Set-GroupSetting -Group $this -Settings @{ failbackWindowStart = [uint32] $Value } }
        FailbackWindowEnd   = { [uint32] $this.Told.settings.failbackWindowEnd }, { param($Value) Set-GroupSetting -Group $this -Settings @{ failbackWindowEnd = [uint32] $Value } }
    }
    foreach ($property in $numbers.Keys) { Add-Member -InputObject $group -MemberType ScriptProperty -Name $property -Value $numbers[$property][0] -SecondValue $numbers[$property][1] }
    $get = { $names = [System.Collections.Specialized.StringCollection]::new(); foreach ($name in $this.Told.settings.antiAffinityClassNames) { [void] $names.Add($name) }; , $names }
    $set = {
        param($Value)
        if ($Value -isnot [System.Collections.Specialized.StringCollection]) { throw 'AntiAffinityClassNames is a StringCollection.' }
        Set-GroupSetting -Group $this -Settings @{ antiAffinityClassNames = @($Value) }
    }
    Add-Member -InputObject $group -MemberType ScriptProperty -Name AntiAffinityClassNames -Value $get -SecondValue $set
    $group
}

function Set-GroupSetting {
    param($Group, [hashtable] $Settings)
    [void] (Invoke-StandInService -Command 'set-group' -With @{ vmId = $Group.VmId; settings = $Settings })
}

# The two of a VM, and what somebody put into the group beside them.
function Get-ClusterResource {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipeline)][psobject] $InputObject)
    $resource = { param($Name, $Type) [pscustomobject] @{ Name = $Name; ResourceType = $Type; OwnerGroup = $InputObject.Name; VmId = $InputObject.VmId; Told = $InputObject.Told } }
    & $resource "Virtual Machine $($InputObject.Name)" 'Virtual Machine'
    & $resource "Virtual Machine Configuration $($InputObject.Name)" 'Virtual Machine Configuration'
    foreach ($name in $InputObject.Told.others) { & $resource $name $(if ($name -like 'Virtual Machine *') { 'Virtual Machine' } else { 'Network Name' }) }
}

function Test-IsResource { param($Of) $null -ne $Of.PSObject.Properties['ResourceType'] }

# Preferred owners of a group, possible owners of a resource.
function Get-ClusterOwnerNode {
    [CmdletBinding(PositionalBinding = $false)]
    param([Parameter(ValueFromPipeline)][psobject] $InputObject)
    $settings = $InputObject.Told.settings
    $owners = if (-not (Test-IsResource -Of $InputObject)) { @($settings.preferredOwners) }
    elseif ($null -eq $settings.possibleOwners) { @(Invoke-StandInService -Command 'cluster-nodes') }
    else { @($settings.possibleOwners) }
    [pscustomobject] @{ ClusterObject = $InputObject; OwnerNodes = $owners }
}

function Set-ClusterOwnerNode {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Mandatory)][System.Collections.Specialized.StringCollection] $Owners,
        [Parameter(ValueFromPipeline)][psobject] $InputObject
    )
    $nodes = @(Invoke-StandInService -Command 'cluster-nodes')
    foreach ($owner in $Owners) { if ($nodes -notcontains $owner) { throw "There is no node $owner." } }
    $setting = if (Test-IsResource -Of $InputObject) { 'possibleOwners' } else { 'preferredOwners' }
    Set-GroupSetting -Group $InputObject -Settings @{ $setting = @($Owners) }
}

function Remove-ClusterGroup {
    [CmdletBinding(PositionalBinding = $false, SupportsShouldProcess)]
    param([Parameter(ValueFromPipelineByPropertyName)][guid] $VMId, [switch] $Force, [switch] $RemoveResources)
    if (-not $RemoveResources) { throw 'The group holds resources.' }
    if (-not $Force) { throw 'Nobody is there to confirm it.' }
    [void] (Invoke-StandInService -Command 'remove-group' -With @{ vmId = "$VMId" })
}

function Add-ClusterVirtualMachineRole {
    [CmdletBinding(PositionalBinding = $false)]
    param([string] $Name, [Parameter(ValueFromPipelineByPropertyName)][guid] $VMId)
    $given = if ($PSBoundParameters.ContainsKey('Name')) { $Name } else { $null }
    [void] (Invoke-StandInService -Command 'add-group' -With @{ vmId = "$VMId"; name = $given })
    Get-ClusterGroup -VMId $VMId
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
