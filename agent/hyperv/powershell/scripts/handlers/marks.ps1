# What hyperferry notes at a VM, where an administrator sees it and where it goes along with the VM.

function Set-VmNotes {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        # What the caller has read: somebody else's change meanwhile is not overwritten.
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 65536)][string] $Expected,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 65536)][string] $Notes
    )
    $vm = Get-NeededVm -VmId $VmId
    if (-not [string]::Equals("$($vm.Notes)", $Expected, [StringComparison]::Ordinal)) {
        Stop-Request -Code 'VmBusy' -Message "The notes of VM $($vm.Name) were changed meanwhile."
    }
    Set-VM -VM $vm -Notes $Notes
    [ordered]@{ notes = Invoke-Afterwards { "$((Get-NeededVm -VmId $VmId).Notes)" } }
}
