# Asks the service behind the stand-in modules, which is a process of its own as the real one is. Runs on PowerShell 7.5 and later alone.

Set-StrictMode -Version 2

function Invoke-StandInService {
    param([Parameter(Mandatory)][string] $Command, [hashtable] $With = @{})
    $body = ConvertTo-Json -InputObject @{ command = $Command; with = $With; worker = $PID } -Depth 6 -Compress
    $request = @{
        Uri         = $env:HYPERFERRY_STAND_IN
        Method      = 'Post'
        ContentType = 'application/json'
        Body        = [System.Text.Encoding]::UTF8.GetBytes($body)
    }
    $answer = (Invoke-WebRequest @request).Content | ConvertFrom-Json -DateKind String
    if ($null -eq $answer.error) { return $answer.value }
    $exception = [System.Runtime.InteropServices.COMException]::new($answer.error.message, [int] $answer.error.hresult)
    throw [System.Management.Automation.ErrorRecord]::new($exception, $answer.error.id, $answer.error.category, $null)
}

Export-ModuleMember -Function Invoke-StandInService
