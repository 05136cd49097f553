# Facts of the host, in one round trip.

function Read-HostFacts {
    [CmdletBinding()]
    param(
        # Folders below which VMs may be placed.
        [Parameter(Mandatory)][ValidateCount(1, 64)][ValidateLength(1, 1024)][string[]] $Roots
    )
    $machine = Get-VMHost
    $system = Get-CimInstance -ClassName Win32_OperatingSystem -Property FreePhysicalMemory
    [ordered]@{
        name            = $machine.Name
        memoryBytes     = $machine.MemoryCapacity
        memoryFreeBytes = 1024 * $system.FreePhysicalMemory
        switches        = [object[]] @(Get-VMSwitch | ForEach-Object { $_.Name })
        volumes         = [object[]] @($Roots | ForEach-Object { Read-Volume -Root $_ })
    }
}

# A root whose volume does not answer is told as such; the others are told all the same.
function Read-Volume {
    param([string] $Root)
    try {
        $volume = Get-Volume -FilePath $Root
        [ordered]@{ root = $Root; sizeBytes = $volume.Size; freeBytes = $volume.SizeRemaining; error = $null }
    }
    catch {
        [ordered]@{ root = $Root; sizeBytes = 0; freeBytes = 0; error = (Get-ErrorFacts -ErrorRecord $_) }
    }
}
