# Handlers that misbehave, for the tests of the worker.

$modules = @('Microsoft.PowerShell.Utility')

$handlers = @{
    'echo'      = 'Test-Echo'
    'validated' = 'Test-Validated'
    'noisy'     = 'Test-Noisy'
    'hang'      = 'Test-Hang'
    'die'       = 'Test-Die'
    'huge'      = 'Test-Huge'
    'two'       = 'Test-Two'
    'fail'      = 'Test-Fail'
    'refuse'    = 'Test-Refuse'
}

function Test-Echo {
    [CmdletBinding()]
    param([string] $Text, [string[]] $Texts, [long] $Number, [bool] $Flag)
    [ordered]@{ text = $Text; texts = [object[]] @($Texts); number = $Number; flag = $Flag; none = [object[]] @() }
}

function Test-Validated {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[a-z]+\z')][string] $Word)
    [ordered]@{ word = $Word }
}

function Test-Noisy {
    [CmdletBinding()]
    param([string] $Text)
    Write-Host $Text
    Write-Warning $Text
    [Console]::WriteLine($Text)
    [Console]::Error.WriteLine($Text)
    # As a native program would: past everything that the worker redirects.
    $raw = [Console]::OpenStandardOutput()
    $bytes = [System.Text.Encoding]::UTF8.GetBytes("$Text`n")
    $raw.Write($bytes, 0, $bytes.Length)
    $raw.Flush()
    [ordered]@{ done = $true }
}

function Test-Hang { [CmdletBinding()] param() while ($true) { Start-Sleep -Seconds 1 } }
function Test-Die { [CmdletBinding()] param() [Environment]::Exit(7) }
function Test-Huge { [CmdletBinding()] param([int] $Length) [ordered]@{ text = 'x' * $Length } }
function Test-Two { [CmdletBinding()] param() 1; 2 }

function Test-Fail {
    [CmdletBinding()]
    param([string] $Message, [int] $HResult, [string] $Id)
    $exception = New-Object -TypeName System.Runtime.InteropServices.COMException -ArgumentList $Message, $HResult
    throw (New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $Id, 'NotSpecified', $null)
}

function Test-Refuse { [CmdletBinding()] param() Stop-Request -Code 'VmNotFound' -Message 'There is none.' }
