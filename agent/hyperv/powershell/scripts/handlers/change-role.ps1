# The role of a VM is removed from its cluster and made in one: what it is set to is read before, and set again one setting after another.

function Read-ClusterRoleSettings {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    if (-not (Test-IsNode)) { return [ordered]@{ clusterName = ''; nodes = [object[]] @(); role = $null } }
    $nodes = @(Get-ClusterNode | ForEach-Object { "$($_.Name)" })
    $group = Find-ClusterRole -VmId $VmId
    [ordered]@{
        clusterName = "$((Get-Cluster).Name)"
        nodes       = [object[]] $nodes
        role        = if ($null -eq $group) { $null } else { Read-GroupSettings -Group $group -Nodes $nodes }
    }
}

function Read-GroupSettings {
    param($Group, [string[]] $Nodes)
    $resources = @(Get-ClusterResource -InputObject $Group)
    $possible = @($resources | Where-Object { "$($_.ResourceType)" -eq 'Virtual Machine' } | ForEach-Object { Read-Owners -Of $_ })
    # Possible owners are listed where nobody limited them too.
    $isLimited = @($Nodes | Where-Object { $possible -notcontains $_ }).Count -gt 0
    [ordered]@{
        state    = $Group.State.ToString()
        owner    = "$($Group.OwnerNode)"
        others   = [object[]] @(Read-OtherResources -Group $Group)
        settings = [ordered]@{
            name                   = "$($Group.Name)"
            priority               = [long] $Group.Priority
            preferredOwners        = [object[]] @(Read-Owners -Of $Group)
            possibleOwners         = if ($isLimited) { , [object[]] $possible } else { $null }
            failoverThreshold      = [long] $Group.FailoverThreshold
            failoverPeriodHours    = [long] $Group.FailoverPeriod
            autoFailbackType       = [long] $Group.AutoFailbackType
            failbackWindowStart    = [long] $Group.FailbackWindowStart
            failbackWindowEnd      = [long] $Group.FailbackWindowEnd
            antiAffinityClassNames = [object[]] @($Group.AntiAffinityClassNames | Where-Object { "$_" -ne '' } | ForEach-Object { "$_" })
        }
    }
}

# What a group holds beside the one VM: all of its VMs where it has several.
function Read-OtherResources {
    param($Group)
    $resources = @(Get-ClusterResource -InputObject $Group)
    $machines = @($resources | Where-Object { "$($_.ResourceType)" -eq 'Virtual Machine' })
    foreach ($resource in $resources) {
        $isOfVm = @('Virtual Machine', 'Virtual Machine Configuration') -contains "$($resource.ResourceType)"
        if (-not $isOfVm -or ($machines.Count -gt 1 -and $machines -contains $resource)) { "$($resource.Name)" }
    }
}

function Read-Owners {
    param($Of)
    (Get-ClusterOwnerNode -InputObject $Of).OwnerNodes | Where-Object { $null -ne $_ } | ForEach-Object { "$_" }
}

# The VM stays as it is: the cluster forgets it, and its resources with it.
function Remove-ClusterRole {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    $read = Read-ClusterRoleSettings -VmId $VmId
    if ($null -ne $read.role) {
        # Looked at once more: what somebody put into it meanwhile would be removed with it.
        if ($read.role.others.Count -gt 0) { Stop-Request -Code 'RoleHoldsMore' -Message "The role of VM $($vm.Name) holds more: $($read.role.others -join ', ')." }
        Assert-NotMoving -VmId $VmId
        Remove-ClusterGroup -VMId ([guid] $VmId) -RemoveResources -Force
    }
    Invoke-Afterwards { Read-ClusterRoleSettings -VmId $VmId }
}

# Under a name that no other role has; where it is taken, or none is given, the cluster gives it one.
function Add-ClusterRole {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 260)][string] $Name
    )
    $null = Get-NeededVm -VmId $VmId
    if ($null -eq (Find-ClusterRole -VmId $VmId)) {
        $isTaken = @(Get-ClusterGroup | Where-Object { $_.Name -eq $Name }).Count -gt 0
        if ($Name -eq '' -or $isTaken) { $null = Add-ClusterVirtualMachineRole -VMId ([guid] $VmId) }
        else { $null = Add-ClusterVirtualMachineRole -VMId ([guid] $VmId) -Name $Name }
    }
    Invoke-Afterwards { Read-ClusterRoleSettings -VmId $VmId }
}

# Each setting that is named is set, and no other. Each is "make it so".
function Set-ClusterRoleSettings {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateSet('priority', 'preferredOwners', 'possibleOwners', 'failoverThreshold', 'failoverPeriodHours', 'autoFailbackType', 'failbackWindowStart', 'failbackWindowEnd', 'antiAffinityClassNames')][string[]] $Settings,
        [Parameter(Mandatory)][uint32] $Priority,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A[A-Za-z0-9_.-]{1,255}\z')][string[]] $PreferredOwners,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A[A-Za-z0-9_.-]{1,255}\z')][string[]] $PossibleOwners,
        [Parameter(Mandatory)][uint32] $FailoverThreshold,
        [Parameter(Mandatory)][uint32] $FailoverPeriodHours,
        [Parameter(Mandatory)][uint32] $AutoFailbackType,
        [Parameter(Mandatory)][uint32] $FailbackWindowStart,
        [Parameter(Mandatory)][uint32] $FailbackWindowEnd,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 260)][string[]] $AntiAffinityClassNames
    )
    $group = Find-ClusterRole -VmId $VmId
    if ($null -eq $group) { Stop-Request -Code 'NotClustered' -Message "VM $VmId is no role of a cluster." }
    foreach ($setting in $Settings) {
        Invoke-Afterwards {
            switch ($setting) {
                'priority' { $group.Priority = $Priority }
                'preferredOwners' { Set-ClusterOwnerNode -InputObject $group -Owners $PreferredOwners }
                'possibleOwners' { Get-ClusterResource -InputObject $group | Where-Object { "$($_.ResourceType)" -eq 'Virtual Machine' } | ForEach-Object { Set-ClusterOwnerNode -InputObject $_ -Owners $PossibleOwners } }
                'failoverThreshold' { $group.FailoverThreshold = $FailoverThreshold }
                'failoverPeriodHours' { $group.FailoverPeriod = $FailoverPeriodHours }
                'autoFailbackType' { $group.AutoFailbackType = $AutoFailbackType }
                'failbackWindowStart' { $group.FailbackWindowStart = $FailbackWindowStart }
                'failbackWindowEnd' { $group.FailbackWindowEnd = $FailbackWindowEnd }
                'antiAffinityClassNames' { $group.AntiAffinityClassNames = ConvertTo-StringCollection -Texts $AntiAffinityClassNames }
            }
        }
    }
    Invoke-Afterwards { Read-ClusterRoleSettings -VmId $VmId }
}

# Type of that setting; an array is not taken.
function ConvertTo-StringCollection {
    param([AllowEmptyCollection()][string[]] $Texts)
    $collection = New-Object -TypeName System.Collections.Specialized.StringCollection
    foreach ($text in $Texts) { $null = $collection.Add($text) }
    , $collection
}
