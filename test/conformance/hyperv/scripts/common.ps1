# What the scripts of the conformance cases share.

# One line of JSON: what a block answers, or why it failed.
function Out-Answer {
    param([Parameter(Mandatory)][scriptblock] $Of)
    try { $answer = [ordered]@{ ok = $true; value = (& $Of) } }
    catch { $answer = [ordered]@{ ok = $false; error = "$($_.Exception.Message) ($($_.FullyQualifiedErrorId))" } }
    ConvertTo-Json -InputObject $answer -Depth 6 -Compress
}

# VMs whose configuration lies in a folder. Only these are ever changed or removed.
function Get-VmsBelow {
    param([Parameter(Mandatory)][string] $Folder)
    $below = [System.IO.Path]::GetFullPath($Folder).TrimEnd('\', '/') + [System.IO.Path]::DirectorySeparatorChar
    Get-VM | Where-Object { [System.IO.Path]::GetFullPath($_.ConfigurationLocation).StartsWith($below, [StringComparison]::OrdinalIgnoreCase) }
}
