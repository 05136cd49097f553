# Removes every VM whose configuration lies in a folder. Its files are left to the caller.
[CmdletBinding()]
param([Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
. (Join-Path -Path $PSScriptRoot -ChildPath 'common.ps1')

Out-Answer -Of {
    $names = foreach ($vm in @(Get-VmsBelow -Folder $Folder)) {
        # Whatever it is in the middle of: only what is off or saved can be removed.
        if (@('Off', 'Saved') -notcontains $vm.State.ToString()) { Stop-VM -VM $vm -TurnOff -Force }
        Remove-VM -VM $vm -Force
        $vm.Name
    }
    [ordered]@{ removed = [object[]] @($names | Where-Object { $null -ne $_ }) }
}
