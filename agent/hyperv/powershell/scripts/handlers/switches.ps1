# Virtual switches. Names of switches are not unique, and a name may be read as a pattern: a switch is found in the list of all, by its id.

function Read-Switches {
    [CmdletBinding()]
    param()
    [ordered]@{ switches = [object[]] @(Get-VMSwitch | ForEach-Object { Read-Switch -Switch $_ }) }
}

function Read-Switch {
    param($Switch)
    [ordered]@{
        id    = $Switch.Id.ToString()
        name  = "$($Switch.Name)"
        type  = $Switch.SwitchType.ToString()
        notes = "$($Switch.Notes)"
    }
}

# The switch, or nothing.
function Find-Switch {
    param([string] $Id)
    Get-VMSwitch | Where-Object { $_.Id.ToString() -eq $Id } | Select-Object -First 1
}

function Assert-SwitchNotes {
    param($Switch, [string] $Expected)
    if ([string]::Equals("$($Switch.Notes)", $Expected, [StringComparison]::Ordinal)) { return }
    Stop-Request -Code 'VmBusy' -Message "The notes of the virtual switch $($Switch.Name) were changed meanwhile."
}

# No switch has the name so far. The notes say from the first moment whose it is.
function New-MarkedSwitch {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidateLength(1, 100)][ValidatePattern('\A(?! )[^\p{Cc}*?\[\]`]+(?<! )\z')][string] $Name,
        # An external switch would take a network adapter from the host.
        [Parameter(Mandatory)][ValidatePattern('\A(?-i:Private|Internal)\z')][string] $Type,
        [Parameter(Mandatory)][ValidateLength(1, 1024)][string] $Notes
    )
    $taken = @(Get-VMSwitch | Where-Object { Test-SameName -One "$($_.Name)" -Other $Name })
    if ($taken.Count -gt 0) { Stop-Request -Code 'SwitchUnfit' -Message "A virtual switch $($taken[0].Name) was made meanwhile." }
    $made = New-VMSwitch -Name $Name -SwitchType $Type -Notes $Notes
    Invoke-Afterwards { Read-KnownSwitch -Id $made.Id.ToString() }
}

function Read-KnownSwitch {
    param([string] $Id)
    $switch = Find-Switch -Id $Id
    if ($null -eq $switch) { throw "Hyper-V does not list the virtual switch $Id." }
    Read-Switch -Switch $switch
}

function Set-SwitchNotes {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $SwitchId,
        # What the caller has read: somebody else's change meanwhile is not overwritten.
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 65536)][string] $Expected,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 65536)][string] $Notes
    )
    $switch = Find-Switch -Id $SwitchId
    if ($null -eq $switch) { Stop-Request -Code 'NotFound' -Message "There is no virtual switch $SwitchId on this host." }
    Assert-SwitchNotes -Switch $switch -Expected $Expected
    Set-VMSwitch -VMSwitch $switch -Notes $Notes
    Invoke-Afterwards { Read-KnownSwitch -Id $SwitchId }
}

# Hyper-V removes a switch from under the VMs that are connected to it. One that is gone already is no error.
function Remove-UnusedSwitch {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $SwitchId,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 65536)][string] $Expected
    )
    $switch = Find-Switch -Id $SwitchId
    if ($null -eq $switch) { return [ordered]@{ usedBy = $null } }
    Assert-SwitchNotes -Switch $switch -Expected $Expected
    $user = Find-SwitchUser -Switch $switch
    if ($null -ne $user) { return [ordered]@{ usedBy = $user } }
    Remove-VMSwitch -VMSwitch $switch -Force
    [ordered]@{ usedBy = $null }
}

# A VM with an adapter on the switch, by its id or its name; nothing where there is none.
function Find-SwitchUser {
    param($Switch)
    $id = $Switch.Id.ToString()
    foreach ($vm in @(Get-VM)) {
        foreach ($adapter in @(Read-AdaptersIfThere -Vm $vm)) {
            if ("$($adapter.SwitchId)" -eq $id -or (Test-SameName -One "$($adapter.SwitchName)" -Other "$($Switch.Name)")) { return "$($vm.Name)" }
        }
    }
}

# A VM that went to another host since it was listed uses nothing here.
function Read-AdaptersIfThere {
    param($Vm)
    try { Get-VMNetworkAdapter -VM $Vm }
    catch { if ($null -ne (Find-Vm -VmId $Vm.Id.ToString())) { throw } }
}
