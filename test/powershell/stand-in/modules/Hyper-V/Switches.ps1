# Virtual switches; of the module Hyper-V.

function Get-VMSwitch {
    [CmdletBinding()]
    param([Parameter(Position = 0, ParameterSetName = 'Name')][Alias('SwitchName')][string] $Name)
    foreach ($one in Invoke-StandInService -Command 'switches') {
        # As the real one may: a name is a pattern.
        if ($Name -and $one.name -notlike $Name) { continue }
        [pscustomobject] @{ Id = [guid] $one.id; Name = $one.name; SwitchType = $one.type; Notes = $one.notes }
    }
}

function New-VMSwitch {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'NetAdapterName')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'NetAdapterName')]
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'SwitchType')][Alias('SwitchName')][string] $Name,
        [Parameter(Mandatory, ParameterSetName = 'NetAdapterName')][Alias('InterfaceAlias')][string[]] $NetAdapterName,
        [Parameter(Mandatory, ParameterSetName = 'SwitchType')][ValidateSet('Internal', 'Private')][string] $SwitchType,
        [Parameter(ParameterSetName = 'NetAdapterName')][Parameter(ParameterSetName = 'SwitchType')][string] $Notes
    )
    if ($NetAdapterName) { throw 'The stand-in has no network adapter to give away.' }
    # The real one takes a name that another switch has.
    $id = Invoke-StandInService -Command 'add-switch' -With @{ name = $Name; type = $SwitchType; notes = "$Notes" }
    [pscustomobject] @{ Id = [guid] $id; Name = $Name; SwitchType = $SwitchType; Notes = "$Notes" }
}

function Set-VMSwitch {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'SwitchName_SwitchType')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'SwitchName_SwitchType')][Alias('SwitchName')][string[]] $Name,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'SwitchObject_SwitchType')][object[]] $VMSwitch,
        [Parameter(ParameterSetName = 'SwitchName_SwitchType')][Parameter(ParameterSetName = 'SwitchObject_SwitchType')][string] $Notes
    )
    if ($Name) { throw 'The stand-in changes switches by object alone.' }
    foreach ($one in $VMSwitch) { [void] (Invoke-StandInService -Command 'set-switch-notes' -With @{ id = "$($one.Id)"; notes = $Notes }) }
}

function Remove-VMSwitch {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Name')][Alias('SwitchName')][string[]] $Name,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'SwitchObject')][object[]] $VMSwitch,
        [Parameter(ParameterSetName = 'Name')][Parameter(ParameterSetName = 'SwitchObject')][switch] $Force
    )
    if ($Name) { throw 'The stand-in removes switches by object alone.' }
    if (-not $Force) { throw 'The real one would ask.' }
    foreach ($one in $VMSwitch) { [void] (Invoke-StandInService -Command 'remove-switch' -With @{ id = "$($one.Id)" }) }
}

# That of the first switch of the name; nothing where an adapter is connected to none, or to one that is gone.
function Get-SwitchId {
    param([string] $Name)
    if (-not $Name) { return }
    Get-VMSwitch | Where-Object { [string]::Equals($_.Name, $Name, [StringComparison]::OrdinalIgnoreCase) } | Select-Object -First 1 | ForEach-Object { $_.Id }
}
