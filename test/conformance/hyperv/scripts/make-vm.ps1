# Makes a VM for a conformance case and starts it.
[CmdletBinding()]
param(
    [Parameter(Mandatory)][ValidatePattern('\Ahyperferry-conformance-[0-9a-z-]{1,64}\z')][string] $Name,
    [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
    [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $DiskPath,
    # Of a disk that is made; 0 for one that is there.
    [Parameter(Mandatory)][ValidateRange(0, 1099511627776)][long] $DiskBytes,
    [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
    [Parameter(Mandatory)][ValidateSet('1', '2')][string] $Generation,
    [Parameter(Mandatory)][ValidateRange(33554432, 1099511627776)][long] $MemoryBytes
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'
. (Join-Path -Path $PSScriptRoot -ChildPath 'common.ps1')

Out-Answer -Of {
    $settings = @{ Name = $Name; Path = $Folder; Generation = [int16] $Generation; MemoryStartupBytes = $MemoryBytes }
    if ($DiskBytes -gt 0) { $settings.NewVHDPath = $DiskPath; $settings.NewVHDSizeBytes = $DiskBytes }
    else { $settings.VHDPath = $DiskPath }
    if ($SwitchName -ne '') { $settings.SwitchName = $SwitchName }
    $vm = New-VM @settings
    # Of whatever the disk holds, not only of what Microsoft signed.
    if ($Generation -eq '2') { Set-VMFirmware -VM $vm -EnableSecureBoot Off }
    Start-VM -VM $vm
    [ordered]@{ id = $vm.Id.ToString() }
}
