# What is on this host that the conformance cases need, and what of theirs is on it. Changes nothing.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
    [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
. (Join-Path -Path $PSScriptRoot -ChildPath 'common.ps1')

Out-Answer -Of {
    $planned = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_PlannedComputerSystem -Property Name
    [ordered]@{
        hostName  = (Get-VMHost).Name
        switches  = [object[]] @(Get-VMSwitch | ForEach-Object { $_.Name })
        hasSwitch = $SwitchName -eq '' -or @(Get-VMSwitch | Where-Object { $_.Name -eq $SwitchName }).Count -gt 0
        vms       = [object[]] @(Get-VmsBelow -Folder $Folder | ForEach-Object { [ordered]@{ id = $_.Id.ToString(); name = $_.Name } })
        plannedVms = [object[]] @($planned | ForEach-Object { $_.Name })
    }
}
